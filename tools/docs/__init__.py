"""The parts of the documentation that follow from the code: written by a program, and compared by a test."""
