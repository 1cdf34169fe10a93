//! What the crate does not do yet, with the reason. The lists only shrink.

use super::case::Case;

/// Whole areas.
const AREAS: [(&str, &str); 5] = [
    ("distributed", "there are no remote runs yet"),
    ("masked", "there are no masked arrays yet"),
    ("ml", "there are no estimators yet"),
    ("sparse_formats", "sparse arrays have one format yet, and no limits on becoming dense"),
    ("fft", "there is no Fourier transform yet"),
];

/// Single cases of areas that are built for the rest.
const CASES: [(&str, &str); 27] = [
    ("elw-promote-i2-f2", "half precision floats are not supported"),
    ("unk-tsqr", "there are no decompositions yet"),
    ("bw-outer", "there is no `blockwise` yet"),
    ("bw-contract", "there is no `blockwise` yet"),
    ("bw-adjust", "there is no `blockwise` yet"),
    ("gu-signature", "there are no generalized functions yet"),
    ("gu-two-out", "there are no generalized functions yet"),
    ("gu-vectorize", "there are no generalized functions yet"),
    ("la-cholesky-blocked", "there are no decompositions yet"),
    ("la-svd", "there are no decompositions yet"),
    ("la-svd-compressed", "there are no decompositions yet"),
    ("gr-random-reproducible", "there are no random arrays yet"),
    ("rng-chunk-invariant", "there are no random arrays yet"),
    ("sp-random-nnz", "there are no random arrays yet"),
    ("sp-from-iter", "`Coo` is not made from entries one by one yet"),
    ("sp-where-sparse", "`Coo` has no choice by a condition yet"),
    ("sp-nansum", "`Coo` has no reductions without NaN yet"),
    ("sp-reduce-ufunc", "`Coo` has no reductions by a function yet"),
    ("sp-dok-set", "builders of sparse arrays set single elements only"),
    ("sp-dok-array-set", "builders of sparse arrays set single elements only"),
    ("sp-tril-triu", "`Coo` has no triangles yet"),
    ("sp-kron", "`Coo` has no Kronecker product yet"),
    ("sp-matmul-batch", "`Coo` has no batches of products yet"),
    ("sp-einsum-0", "`Coo` has no `einsum` yet"),
    ("sp-einsum-1", "`Coo` has no `einsum` yet"),
    ("sp-einsum-4", "`Coo` has no `einsum` yet"),
    ("sp-dk-seed-chain", "products of sparse blocks give dense blocks"),
];

/// Why a case has no entry, if it may have none.
pub(crate) fn reason(case: &Case) -> Option<&'static str> {
    let of_area = AREAS.iter().find(|(area, _)| *area == case.area);
    of_area.or_else(|| CASES.iter().find(|(id, _)| *id == case.id)).map(|row| row.1)
}

/// Names in the lists that no case has.
pub(crate) fn stale(cases: &[Case]) -> impl Iterator<Item = &'static str> {
    let areas = AREAS.iter().filter(|(area, _)| !cases.iter().any(|case| case.area == *area));
    let ids = CASES.iter().filter(|(id, _)| !cases.iter().any(|case| case.id == *id));
    areas.chain(ids).map(|row| row.0)
}
