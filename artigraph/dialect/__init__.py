"""All that differs between databases: one file for each, behind one contract.

``base`` has the questions and the everyday answers, ``registry`` knows who answers.
"""
