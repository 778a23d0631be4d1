"""Which values a column gives back as they were."""
