//! What the crate does not do yet, with the reason. The lists only shrink.

use super::case::Case;

/// Whole areas.
const AREAS: [(&str, &str); 3] = [
    ("masked", "there are no masked arrays yet"),
    ("ml", "there are no estimators yet"),
    ("fft", "there is no Fourier transform yet"),
];

/// Single cases of areas that are built for the rest.
const CASES: [(&str, &str); 17] = [
    ("elw-promote-i2-f2", "half precision floats are not supported"),
    ("unk-tsqr", "there are no decompositions yet"),
    ("la-cholesky-blocked", "there are no decompositions yet"),
    ("la-svd", "there are no decompositions yet"),
    ("la-svd-compressed", "there are no decompositions yet"),
    // Clusters run arrays. Their clients can do more than users are given yet, and are tested beside their source.
    ("dist-map-gather", "users are given no futures of single functions yet; the client gathers them in order"),
    ("dist-retries", "users are given no futures of single functions yet; the client can have them tried again"),
    ("dist-priority", "users are given no futures of single functions yet; the client can have them run first"),
    (
        "dist-async-client",
        "users are given no futures of single functions yet; the client's can be waited for in async code",
    ),
    ("dist-replicate", "results are not copied to more workers; the client can only put a value on all of them"),
    ("dist-task-spawns-tasks", "tasks cannot submit tasks yet"),
    ("dist-publish", "persisted arrays have no names that other clients find yet"),
    ("dist-actor-paramserver", "there are no actors on clusters yet"),
    ("dist-actor-missing", "there are no actors on clusters yet"),
    ("dist-queue", "there are no queues on clusters yet"),
    ("dist-lock", "there are no locks on clusters yet"),
    ("dist-event", "there are no events on clusters yet"),
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
