//! Parts of arrays, and replacing them.

use super::Work;
use crate::conformance::outcome::ok;

pub(super) const PARTS: &[(&str, Work)] = &[
    ("getitem", |c| ok(c.a().index(&c.index("index"))?)),
    ("getitem_twice", |c| ok(c.a().index(&c.index("index"))?.index(&c.index("then"))?)),
    ("setitem", |c| ok(c.a().assigned(&c.index("index"), &c.b())?)),
    ("setitem_own", |c| {
        let part = c.a().index(&c.index("index"))?;
        ok(c.a().assigned(&c.index("index"), &part.negative()?)?)
    }),
    ("take", |c| ok(c.a().take(&c.ints("indices"), c.axis())?)),
    ("vindex", |c| ok(c.a().vindex(&c.index("index"))?)),
    ("take_along_axis", |c| ok(c.a().take_along_axis(&c.b(), c.axis())?)),
    ("compress", |c| ok(c.a().mask_axis(c.b(), c.axis())?)),
];
