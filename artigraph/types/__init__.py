"""What values of fields are: scalar types, and annotations read into small trees."""
