"""The parts of ``make mutate``: what is changed, what runs it, what a survivor means."""
