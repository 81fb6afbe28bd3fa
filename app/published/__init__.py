"""What was published about these models, as reference data that ships with the product, and other people's old results.

    rows           the rows of the published table, and which strategy belongs to which
    facts          the published numbers, from `data/` (its README names the sources)
    overlay        what a front may show of them for one task
    reproduction   ours beside theirs, row by row
    differences    why they differ, in sentences and numbers
    results        the CSV files of the reference project, read strictly

There are two generations of published sub-cubic numbers (`facts.Generation`): they are never mixed.
"""
