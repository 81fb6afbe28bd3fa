"""The published sub-cubic proofs: 5 treatments of the direct path x 2 of attention x 10 of the attention error.

They argue alike (spec section 5). For a query q, a maximum m and the number c of tokens that are not m (the query included),
look at the inputs whose other tokens are all at most m - g, where the *gap* g comes from the certificate:

1. Split the attention scores into a cheap part and a residual whose range is bounded (`split`, `residual`: E1 to E10).
2. So m is preferred to each other token by a score between two bounds, and the copies of m get an attention between
   `least` and `most` (`attention`).
3. The direct path is bounded by a vector that all queries share and a number for each query (`direct`: U1 to U5).
4. Together: a bound W[q, m, c] on the largest wrong logit minus the right one (`published`: A1, A2, as printed;
   `strict`: sound for every model). W < 0 certifies all inputs of the entry, which `counting` counts.

`options` names the combinations, `reference` knows their published lengths, `hints` reads what the search proposes,
`catalogue` runs all of them at the price of a few.
"""
