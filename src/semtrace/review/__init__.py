"""What a person is asked, and what becomes of the answers: the verbs ``review`` and ``verdicts``."""
