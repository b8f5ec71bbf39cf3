"""Parts of the sample study's generator: places, statistics, residents, panels, and their forms."""
