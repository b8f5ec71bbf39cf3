"""Parts of the sample study's generator: places, statistics, residents, panels, and the forms they are written in."""
