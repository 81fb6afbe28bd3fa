"""What can be asked of a model besides a strategy of the catalogue. Free of numerical imports."""

BEST_WITHIN = "best-within-budget"
"""The strict proof with the highest bound that a budget of operations buys; the answer is a proof by some strategy."""

COUNTEREXAMPLES = "counterexamples"
"""Inputs that the model answers wrongly for certain, worst first."""

RECHECK = "recheck"
"""Whether a stored proof's certificate still proves its claim, by one of the two programs below."""

ENGINE = "engine"
INDEPENDENT = "independent checker"

MOST_BUDGET = 10**15
MOST_COUNTEREXAMPLES = 1000
