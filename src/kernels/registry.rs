//! The named kernels and the storage formats that a process knows.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_128;

use super::func::{BlockFunction, Call, NamedKernel, decode, make_call};
use super::named;
use super::parts::{NamedGufunc, make_parts_call};
use crate::block::{Block, BlockLocation, BlockSource, SourceFormat, SourceSpec};
use crate::error::{Error, Result, Shown};

/// Makes a kernel from its parameters.
pub(super) type Maker = fn(&[u8]) -> Result<Arc<Call>>;
/// Makes a function with several results from its parameters.
type PartsMaker = fn(&[u8]) -> Result<Arc<Call<Vec<Block>>>>;
/// Opens a source from what its format needs to know.
type Opener = fn(&[u8]) -> Result<Arc<dyn BlockSource>>;

/// What names of the crate's own kernels begin with.
const OWN: &str = "hyperslab.";

/// The named kernels and the storage formats that a process can run and open, besides the crate's own kernels, which every
/// process can run.
///
/// A client and its workers are given equal registries; [`hash`](Self::hash) tells whether they are.
///
/// # Examples
/// See [`NamedKernel`] for a kernel, [`SourceFormat`] for a format.
/// ```
/// let registry = hyperslab::kernel::Registry::new();
/// assert_eq!(registry.hash(), hyperslab::kernel::Registry::new().hash());
/// assert!(registry.manifest()[0].starts_with("hyperslab "));
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    kernels: BTreeMap<&'static str, Entry<Maker>>,
    gufuncs: BTreeMap<&'static str, Entry<PartsMaker>>,
    formats: BTreeMap<&'static str, Entry<Opener>>,
}

#[derive(Clone, Copy)]
struct Entry<F> {
    version: u32,
    make: F,
}

impl Registry {
    /// A registry of no kernels but the crate's own, and of no formats.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a kernel under its name.
    ///
    /// # Errors
    /// Another kernel has the name already, or the name begins with `hyperslab.`.
    ///
    /// # Examples
    /// See [`NamedKernel`].
    pub fn register<K: NamedKernel>(&mut self) -> Result<()> {
        check_foreign(K::NAME)?;
        self.register_own::<K>()
    }

    /// Adds a function with several results under its name.
    ///
    /// # Errors
    /// Another such function has the name already, or the name begins with `hyperslab.`.
    ///
    /// # Examples
    /// See [`NamedGufunc`].
    pub fn register_gufunc<K: NamedGufunc>(&mut self) -> Result<()> {
        check_foreign(K::NAME)?;
        add(&mut self.gufuncs, "gufunc", K::NAME, Entry { version: K::VERSION, make: make_parts_call::<K> })
    }

    /// Adds a kernel whose name may be one of the crate's own.
    pub(crate) fn register_own<K: NamedKernel>(&mut self) -> Result<()> {
        add(&mut self.kernels, "kernel", K::NAME, Entry { version: K::VERSION, make: make_call::<K> })
    }

    /// Adds a storage format under its name.
    ///
    /// A process that knows a format opens whatever its peers name: for a format of files, every file that the process may
    /// read.
    ///
    /// # Errors
    /// Another format has the name already.
    ///
    /// # Examples
    /// See [`SourceFormat`].
    pub fn register_format<F: SourceFormat>(&mut self) -> Result<()> {
        add(&mut self.formats, "format", F::NAME, Entry { version: F::VERSION, make: open_source::<F> })
    }

    /// The names of the kernels that were registered, sorted. The crate's own are not among them.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(hyperslab::kernel::Registry::new().names().count(), 0);
    /// ```
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.kernels.keys().copied()
    }

    /// The names of the functions with several results, sorted.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(hyperslab::kernel::Registry::new().gufuncs().count(), 0);
    /// ```
    pub fn gufuncs(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.gufuncs.keys().copied()
    }

    /// The names of the formats, sorted.
    ///
    /// # Examples
    /// ```
    /// let mut registry = hyperslab::kernel::Registry::new();
    /// registry.register_files()?;
    /// assert!(registry.formats().any(|name| name == "hyperslab.npy"));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn formats(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.formats.keys().copied()
    }

    /// Runs the kernel of a name with parameters that another process has serialised.
    ///
    /// # Errors
    /// The name is not registered, the bytes are not its parameters, or the kernel fails.
    ///
    /// # Examples
    /// One of the crate's own kernels, which has no parameters: 12 = 0.75 * 2^4.
    /// ```
    /// use hyperslab::block::{Block, BlockLocation};
    /// use hyperslab::kernel::Registry;
    /// use hyperslab::prelude::*;
    /// let one_block = Array::from_vec(vec![12.0], Chunks::auto())?;
    /// let at = BlockLocation::new(one_block.as_dyn().grid(), 0);
    /// let block = Block::from_dense(ndarray::arr1(&[12.0]).into_dyn());
    /// let made = Registry::new().run("hyperslab.mantissa", &[], &[block], &at)?;
    /// assert_eq!(made.dense::<f64>()?[[0]], 0.75);
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn run(&self, name: &str, payload: &[u8], blocks: &[Block], at: &BlockLocation) -> Result<Block> {
        let (_, entry) = self.kernel(name)?;
        (entry.make)(payload)?(blocks, at)
    }

    /// What two processes must have in common, one line each: the crate's version, then kernels, functions with several
    /// results, and formats with theirs.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::kernel::Registry;
    /// let mut registry = Registry::new();
    /// assert!(registry.manifest().len() == 1 && registry.manifest()[0].starts_with("hyperslab "));
    /// registry.register_files()?;
    /// assert!(registry.manifest().iter().any(|line| line.starts_with("format hyperslab.npy ")));
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn manifest(&self) -> Vec<String> {
        let kernels = self.kernels.iter().map(|(name, entry)| format!("kernel {name} {}", entry.version));
        let gufuncs = self.gufuncs.iter().map(|(name, entry)| format!("gufunc {name} {}", entry.version));
        let formats = self.formats.iter().map(|(name, entry)| format!("format {name} {}", entry.version));
        let own = format!("hyperslab {}", env!("CARGO_PKG_VERSION"));
        std::iter::once(own).chain(kernels).chain(gufuncs).chain(formats).collect()
    }

    /// A number that equal registries of one version of the crate share, whatever the machine.
    ///
    /// # Examples
    /// ```
    /// use hyperslab::kernel::Registry;
    /// let mut other = Registry::new();
    /// other.register_files()?;
    /// assert_ne!(Registry::new().hash(), other.hash());
    /// # Ok::<(), hyperslab::Error>(())
    /// ```
    pub fn hash(&self) -> u128 {
        xxh3_128(self.manifest().join("\n").as_bytes())
    }

    /// An error that tells the difference if a peer's [`manifest`](Self::manifest) is another.
    ///
    /// # Errors
    /// The manifests differ.
    ///
    /// # Examples
    /// ```
    /// let registry = hyperslab::kernel::Registry::new();
    /// assert!(registry.check_peer(&registry.manifest()).is_ok());
    /// let error = registry.check_peer(&["hyperslab 0.0.0".into()]).unwrap_err();
    /// assert!(error.to_string().contains("only the peer has (hyperslab 0.0.0)"));
    /// ```
    pub fn check_peer(&self, manifest: &[String]) -> Result<()> {
        let own = self.manifest();
        if own == manifest {
            return Ok(());
        }
        let only = |a: &[String], b: &[String]| a.iter().filter(|line| !b.contains(line)).cloned().collect::<Vec<_>>();
        let (ours, theirs) = (only(&own, manifest), only(manifest, &own));
        let detail = format!("only this process has {}, only the peer has {}", Shown(&ours), Shown(&theirs));
        Err(Error::value("registry", detail).with_remedy(SAME_EVERYWHERE))
    }

    /// An error that tells what is known here if a peer's [`hash`](Self::hash) is another.
    pub(crate) fn check_hash(&self, hash: u128) -> Result<()> {
        if hash == self.hash() {
            return Ok(());
        }
        let detail = format!("a task was made by a process that knows other things than {}", Shown(&self.manifest()));
        Err(Error::value("registry", detail).with_remedy(SAME_EVERYWHERE))
    }

    /// How to call a kernel of a name, a version and parameters that another process has sent.
    pub(super) fn function(&self, name: &str, version: u32, payload: &[u8]) -> Result<BlockFunction> {
        let (name, entry) = self.kernel(name)?;
        check_version("kernel", name, version, entry.version)?;
        Ok(BlockFunction::Named { name, version, payload: payload.into(), call: (entry.make)(payload)? })
    }

    /// The same for a function with several results.
    pub(super) fn parts_function(&self, name: &str, version: u32, payload: &[u8]) -> Result<BlockFunction<Vec<Block>>> {
        let Some((name, entry)) = self.gufuncs.get_key_value(name) else {
            return Err(unknown("gufunc", name, self.gufuncs(), "register it with `Registry::register_gufunc`"));
        };
        check_version("gufunc", name, version, entry.version)?;
        Ok(BlockFunction::Named { name, version, payload: payload.into(), call: (entry.make)(payload)? })
    }

    /// The source that another process has described.
    pub(crate) fn open(&self, spec: &SourceSpec) -> Result<Arc<dyn BlockSource>> {
        let Some((name, entry)) = self.formats.get_key_value(spec.format()) else {
            let remedy = "register it with `Registry::register_format`";
            return Err(unknown("format", spec.format(), self.formats(), remedy));
        };
        check_version("format", name, spec.version(), entry.version)?;
        (entry.make)(spec.params()).map(|source| spec.part_of(source))
    }

    fn kernel(&self, name: &str) -> Result<(&'static str, Entry<Maker>)> {
        let own =
            || named::ALL.iter().find(|row| row.0 == name).map(|&(name, make)| (name, Entry { version: 1, make }));
        let found = self.kernels.get_key_value(name).map(|(&name, &entry)| (name, entry)).or_else(own);
        found.ok_or_else(|| unknown("kernel", name, self.names(), "register it with `Registry::register`"))
    }
}

const SAME_EVERYWHERE: &str = "run one release of hyperslab everywhere, and give client and workers equal registries";

fn unknown(what: &'static str, name: &str, known: impl Iterator<Item = &'static str>, remedy: &'static str) -> Error {
    let known: Vec<&str> = known.collect();
    let detail = format!("no {what} is named {name:?}; registered are {}", Shown(&known));
    Error::value(what, detail).with_remedy(remedy)
}

/// Names of users' kernels do not begin like those of the crate.
fn check_foreign(name: &str) -> Result<()> {
    if name.starts_with(OWN) {
        return Err(Error::value("register", format!("{name:?} begins like the crate's own kernels"))
            .with_remedy("begin the name with that of your own crate"));
    }
    Ok(())
}

fn add<F>(
    entries: &mut BTreeMap<&'static str, Entry<F>>,
    what: &str,
    name: &'static str,
    entry: Entry<F>,
) -> Result<()> {
    if entries.contains_key(name) {
        return Err(Error::value("register", format!("a {what} named {name:?} is registered already"))
            .with_remedy(format!("give every {what} a name of its own")));
    }
    entries.insert(name, entry);
    Ok(())
}

fn check_version(what: &str, name: &str, wanted: u32, known: u32) -> Result<()> {
    if wanted == known {
        return Ok(());
    }
    let detail = format!("{what} {name:?} is wanted in version {wanted} and registered in version {known}");
    Err(Error::value("registry", detail).with_remedy(SAME_EVERYWHERE))
}

fn open_source<F: SourceFormat>(params: &[u8]) -> Result<Arc<dyn BlockSource>> {
    decode::<F>("open", F::NAME, params)?.open()
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).entries(self.gufuncs()).entries(self.formats()).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::super::func::encode;
    use super::*;
    use crate::chunks::Grid;

    #[derive(Serialize, Deserialize)]
    struct Add {
        what: i64,
    }

    impl NamedKernel for Add {
        const NAME: &'static str = "add";
        const VERSION: u32 = 3;

        fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
            Ok(Block::from_dense(&blocks[0].dense::<i64>()? + self.what))
        }
    }

    #[derive(Serialize, Deserialize)]
    struct Usurper;

    impl NamedKernel for Usurper {
        const NAME: &'static str = "hyperslab.join";

        fn run(&self, _blocks: &[Block], _at: &BlockLocation) -> Result<Block> {
            Ok(Block::from_scalar(0i64.into()))
        }
    }

    #[derive(Serialize, Deserialize)]
    struct Both;

    impl NamedGufunc for Both {
        const NAME: &'static str = "both";
        const VERSION: u32 = 2;

        fn run(&self, blocks: &[Block], _at: &BlockLocation) -> Result<Vec<Block>> {
            Ok(vec![blocks[0].clone(), blocks[0].clone()])
        }
    }

    fn with_add() -> Registry {
        let mut registry = Registry::new();
        registry.register::<Add>().unwrap();
        registry
    }

    #[test]
    fn registered_kernels_run_from_bytes_and_others_are_named() {
        let mut registry = with_add();
        assert!(registry.register::<Add>().unwrap_err().to_string().contains("registered already"));
        let at = BlockLocation::new(&Grid::single(&[1]), 0);
        let block = Block::from_dense(ndarray::arr1(&[1i64]).into_dyn());
        let payload = encode("add", &Add { what: 2 }).unwrap();
        let sum = registry.run("add", &payload, std::slice::from_ref(&block), &at).unwrap();
        assert_eq!(sum.dense::<i64>().unwrap()[[0]], 3);
        let error = registry.run("mul", &payload, std::slice::from_ref(&block), &at).unwrap_err().to_string();
        assert!(error.contains("\"mul\"") && error.contains("(add)"), "{error}");
        let long = [payload.as_slice(), &[0]].concat();
        assert!(registry.run("add", &long, &[block], &at).unwrap_err().to_string().contains("left over"));
    }

    #[test]
    fn other_versions_are_refused() {
        let payload = encode("add", &Add { what: 2 }).unwrap();
        let error = with_add().function("add", 2, &payload).unwrap_err().to_string();
        assert!(error.contains("version 2") && error.contains("version 3"), "{error}");
        assert!(with_add().function("add", 3, &payload).is_ok());
    }

    #[test]
    fn the_crate_knows_its_own_kernels_and_keeps_their_names() {
        assert!(Registry::new().kernel("hyperslab.join").is_ok());
        assert!(Registry::new().register::<Usurper>().unwrap_err().to_string().contains("crate's own"));
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/kernels/named");
        let mut n_found = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for line in text.lines().filter(|line| line.contains("const NAME: &'static str = \"")) {
                let name = line.split('"').nth(1).unwrap();
                assert!(Registry::new().kernel(name).is_ok(), "{name} is not in the list of all kernels");
                n_found += 1;
            }
        }
        assert_eq!(n_found, named::ALL.len());
    }

    #[test]
    fn functions_with_several_results_are_found_by_name_and_version() {
        let mut registry = with_add();
        registry.register_gufunc::<Both>().unwrap();
        assert!(registry.register_gufunc::<Both>().unwrap_err().to_string().contains("registered already"));
        assert_eq!(registry.manifest()[1..], ["kernel add 3", "gufunc both 2"]);
        let block = Block::from_scalar(7i64.into());
        let at = BlockLocation::new(&Grid::single(&[]), 0);
        let made = registry.parts_function("both", 2, &[]).unwrap().call(&[block], &at).unwrap();
        assert_eq!(made.len(), 2);
        let error = registry.parts_function("both", 1, &[]).unwrap_err().to_string();
        assert!(error.contains("version 1") && error.contains("version 2"), "{error}");
        let error = registry.parts_function("add", 3, &[]).unwrap_err().to_string();
        assert!(error.contains("no gufunc is named \"add\"") && error.contains("register_gufunc"), "{error}");
    }

    #[test]
    fn hashes_tell_registries_apart() {
        assert_eq!(with_add().hash(), with_add().hash());
        assert_ne!(with_add().hash(), Registry::new().hash());
        assert!(with_add().check_hash(with_add().hash()).is_ok());
        let error = with_add().check_hash(1).unwrap_err().to_string();
        assert!(error.contains("kernel add 3") && error.contains("equal registries"), "{error}");
        let error = with_add().check_peer(&Registry::new().manifest()).unwrap_err().to_string();
        assert!(error.contains("only this process has (kernel add 3), only the peer has ()"), "{error}");
    }
}
