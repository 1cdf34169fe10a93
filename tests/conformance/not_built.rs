//! What the crate does not do yet, with the reason. The lists only shrink.

use super::case::Case;

/// Whole areas.
const AREAS: [(&str, &str); 4] = [
    ("distributed", "there are no remote runs yet"),
    ("masked", "there are no masked arrays yet"),
    ("ml", "there are no estimators yet"),
    ("fft", "there is no Fourier transform yet"),
];

/// Single cases of areas that are built for the rest.
const CASES: [(&str, &str); 5] = [
    ("elw-promote-i2-f2", "half precision floats are not supported"),
    ("unk-tsqr", "there are no decompositions yet"),
    ("la-cholesky-blocked", "there are no decompositions yet"),
    ("la-svd", "there are no decompositions yet"),
    ("la-svd-compressed", "there are no decompositions yet"),
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
