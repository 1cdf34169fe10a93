//! The house: imports point left, files and functions stay small, nothing unwraps, unsafe code argues for itself.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules in their order; those on one line are neighbours that may not use each other's betters to the right.
const ORDER: [&[&str]; 9] = [
    &["error", "config"],
    &["element", "chunks"],
    &["sparse"],
    &["block"],
    &["kernels"],
    &["graph"],
    &["exec"],
    &["array"],
    &["io", "diag", "delayed", "linalg"],
];
const MAX_FILE_LINES: usize = 600;
const MAX_FUNCTION_LINES: usize = 60;

struct Source {
    path: String,
    /// The lines before the tests at the end of the file.
    lines: Vec<String>,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
                found.push(Source { path: name, lines: without_tests(&text) });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The lines before a `#[cfg(test)] mod name {` at the end of a file.
fn without_tests(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let is_tests = |i: usize| {
        let after = lines[i + 1..].iter().find(|line| !line.trim_start().starts_with("#["));
        lines[i].trim() == "#[cfg(test)]"
            && after.is_some_and(|next| next.trim_start().starts_with("mod ") && next.contains('{'))
    };
    let end = (0..lines.len()).find(|&i| is_tests(i)).unwrap_or(lines.len());
    lines[..end].iter().map(|line| (*line).to_owned()).collect()
}

/// Files that exist for tests alone: their module is declared under `#[cfg(test)]`.
fn is_test_file(path: &str) -> bool {
    path.contains("/tests/")
        || ["testing.rs", "oracle.rs", "samples.rs", "accuracy.rs", "random.rs"].iter().any(|name| path.ends_with(name))
}

fn rank(module: &str) -> Option<usize> {
    ORDER.iter().position(|group| group.contains(&module))
}

/// The modules of this crate that a line names.
fn named_modules(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or("");
    let word = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    code.split("crate::").skip(1).map(word).collect()
}

fn wrong_arrows(path: &str, lines: &[String]) -> Vec<String> {
    let module = path.split('/').next().unwrap_or("").trim_end_matches(".rs");
    let Some(own) = rank(module) else { return Vec::new() };
    let wrong =
        |line: &String| named_modules(line).into_iter().find(|target| rank(target).is_some_and(|rank| rank > own));
    lines.iter().filter_map(wrong).map(|target| format!("{path}: {module} uses {target}")).collect()
}

/// How many braces a line opens more than it closes, outside of comments, strings and characters.
fn braces(line: &str) -> i64 {
    let (mut depth, mut in_string) = (0, false);
    let mut chars = line.split("//").next().unwrap_or("").chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '"' => in_string = !in_string,
            '\'' if !in_string && matches!(chars.peek(), Some('{' | '}')) => {
                chars.next();
            }
            '{' if !in_string => depth += 1,
            '}' if !in_string => depth -= 1,
            _ => {}
        }
    }
    depth
}

/// The lengths of functions by name.
fn functions(lines: &[String]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let is_function =
            !code.starts_with("//") && (code.starts_with("fn ") || code.contains(" fn ")) && code.contains('(');
        if !is_function || code.contains('"') {
            continue;
        }
        let mut depth = 0i64;
        let end = lines[start..].iter().position(|line| {
            depth += braces(line);
            depth == 0 && (line.contains('}') || line.trim_end().ends_with(';'))
        });
        if let Some(end) = end {
            let name = code.split("fn ").nth(1).unwrap_or("").chars().take_while(|c| c.is_alphanumeric() || *c == '_');
            found.push((name.collect(), end + 1));
        }
    }
    found
}

#[test]
fn imports_point_left() {
    let wrong: Vec<String> = sources().iter().flat_map(|source| wrong_arrows(&source.path, &source.lines)).collect();
    assert!(wrong.is_empty(), "arrows to the right:\n{}", wrong.join("\n"));
}

#[test]
fn files_and_functions_stay_small() {
    let mut large = Vec::new();
    for source in sources() {
        let code = source.lines.iter().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"));
        let n = code.count();
        if n > MAX_FILE_LINES {
            large.push(format!("{}: {n} lines of code", source.path));
        }
        for (name, n) in functions(&source.lines) {
            if n > MAX_FUNCTION_LINES {
                large.push(format!("{}: {name} has {n} lines", source.path));
            }
        }
    }
    assert!(large.is_empty(), "too large:\n{}", large.join("\n"));
}

#[test]
fn nothing_unwraps_outside_tests() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| !is_test_file(&source.path)) {
        for (i, line) in source.lines.iter().enumerate() {
            if line.split("//").next().unwrap_or("").contains(".unwrap()") {
                found.push(format!("{}:{}", source.path, i + 1));
            }
        }
    }
    assert!(found.is_empty(), "unwrap outside tests:\n{}", found.join("\n"));
}

#[test]
fn unsafe_files_state_their_invariants() {
    for source in sources() {
        let opts_in = source.lines.iter().any(|line| line.contains("allow(unsafe_code)"));
        let states = source.lines.iter().any(|line| line.starts_with("//! # Safety"));
        assert!(!opts_in || states, "{} allows unsafe code and has no `# Safety` section", source.path);
    }
}

#[test]
fn foreign_crates_keep_to_their_doors() {
    let doors: [(&str, &[&str]); 10] = [
        ("rayon", &["exec/pool.rs", "sparse/parallel.rs"]),
        ("libc", &["block/recycle.rs", "exec/remote/worker/allocator.rs"]),
        ("zarrs", &["io/zarr/"]),
        ("gemm", &["kernels/contract/"]),
        ("tokio", &["exec/remote/"]),
        ("rmp", &["exec/remote/wire/"]),
        ("lz4_flex", &["exec/remote/wire/compress.rs", "exec/spill/frame.rs"]),
        ("socket2", &["exec/remote/comm/tcp.rs"]),
        ("rustls", &["exec/remote/comm/tls.rs"]),
        ("clap", &["exec/remote/command.rs"]),
    ];
    for source in sources() {
        for (name, doors) in doors {
            let uses = |line: &String| {
                let code = line.split("//").next().unwrap_or("");
                code.contains(&format!("use {name}::")) || code.contains(&format!(" {name}::"))
            };
            let found = !is_test_file(&source.path) && source.lines.iter().any(uses);
            let is_door = doors.iter().any(|door| source.path.starts_with(door));
            assert!(!found || is_door, "{} uses {name}, whose doors are {doors:?}", source.path);
        }
    }
}

/// Files and folders that the guide names and nobody finds, and modules that it leaves out.
fn faults_of_the_guide(guide: &str, paths: &[String]) -> Vec<String> {
    let is_name = |c: char| c.is_alphanumeric() || "_/.".contains(c);
    let words =
        guide.split(|c: char| !is_name(c)).filter(|word| word.strip_suffix(".rs").is_some() || word.ends_with('/'));
    let words = words.filter(|word| word.starts_with(|c: char| c.is_alphabetic()));
    let exists = |word: &str| {
        let outside = ["tests/", "benches/"].iter().any(|folder| word.starts_with(folder));
        let inside = format!("/{}", word.trim_start_matches("src/"));
        let named = |path: &String| if word.ends_with('/') { path.contains(&inside) } else { path.ends_with(&inside) };
        if outside {
            Path::new(env!("CARGO_MANIFEST_DIR")).join(word).exists()
        } else {
            word == "src/" || paths.iter().map(|path| format!("/{path}")).any(|path| named(&path))
        }
    };
    let missing = words.filter(|word| !exists(word)).map(|word| format!("{word} is not there"));
    let modules = paths.iter().filter_map(|path| path.split('/').next());
    let left_out = modules.filter(|module| !guide.contains(&format!("src/{module}")));
    let mut faults: Vec<String> = missing.chain(left_out.map(|module| format!("{module} is not named"))).collect();
    faults.sort();
    faults.dedup();
    faults
}

#[test]
fn the_guide_to_the_architecture_is_true() {
    let guide = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc/architecture.rs")).unwrap();
    let paths: Vec<String> = sources().into_iter().map(|source| source.path).collect();
    let faults = faults_of_the_guide(&guide, &paths);
    assert!(faults.is_empty(), "src/doc/architecture.rs:\n{}", faults.join("\n"));
}

#[test]
fn the_checker_finds_what_it_looks_for() {
    let lines = |text: &str| without_tests(text);
    let wrong =
        "use crate::graph::Plan;\n// use crate::array::Array;\n#[cfg(test)]\nmod tests {\n use crate::io::x;\n}";
    assert_eq!(wrong_arrows("kernels/x.rs", &lines(wrong)), ["kernels/x.rs: kernels uses graph"]);
    assert!(wrong_arrows("graph/x.rs", &lines("use crate::kernels::Kernel;")).is_empty());
    let long = format!("    fn long() {{\n{}    }}\n", "        work();\n".repeat(70));
    assert_eq!(functions(&lines(&long)), [("long".to_owned(), 72)]);
    let paths = ["graph/expr.rs", "lib.rs"].map(String::from);
    assert!(faults_of_the_guide("src/graph/ holds `graph/expr.rs`, src/lib.rs: its map", &paths).is_empty());
    let faults = faults_of_the_guide("src/lib.rs and `graph/plan.rs`", &paths);
    assert_eq!(faults, ["graph is not named", "graph/plan.rs is not there"]);
}
