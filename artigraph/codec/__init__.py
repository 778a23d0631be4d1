"""Plain Python values as JSON that every database keeps, and back.

JSON knows seven kinds of value; a model's fields know many more. A codec is
made from a field's annotation. Where the annotation says what a value is,
it is stored as plainly as it can be (a date as text), so that the database
can compare it; where it does not, the value says so itself, in an object
with the key ``"$"``.
"""
