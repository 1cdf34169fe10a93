//! Schedulers that are not what they claim to be: each gives an error, in time and before it has taken memory.

#![cfg(feature = "remote")]

mod counting;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use hyperslab::Error;
use hyperslab::exec::remote::{SchedulerInfo, Security};

use counting::measured;

/// Memory that an answer may take beyond its own size: buffers of the connection and the runtime, and what is reserved
/// for one frame.
const MAX_BYTES: usize = 3 << 20;

fn captured(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/remote").join(name)).unwrap()
}

fn numbers(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// A message with the given frames, all in its unsplit part.
fn message(frames: &[&[u8]]) -> Vec<u8> {
    let mut table = vec![frames.len() as u64];
    table.extend(frames.iter().map(|frame| frame.len() as u64));
    let rest = [numbers(&table), frames.concat()].concat();
    [numbers(&[rest.len() as u64]), rest].concat()
}

/// Reads one message, whose frames all are in the unsplit part, or what there is of it.
fn skip_message(stream: &mut TcpStream) {
    let mut head = [0; 8];
    if stream.read_exact(&mut head).is_ok() {
        let mut rest = vec![0; u64::from_le_bytes(head).min(1 << 20) as usize];
        let _ = stream.read_exact(&mut rest);
    }
}

/// Says `first`, waits for a request if there is a `second` thing to say, says it, and hangs up.
fn answer(listener: &TcpListener, first: &[u8], second: &[u8]) {
    let (mut stream, _) = listener.accept().unwrap();
    let _ = stream.write_all(first);
    skip_message(&mut stream);
    if !second.is_empty() {
        skip_message(&mut stream);
        let _ = stream.write_all(second);
    }
}

/// What becomes of asking a scheduler that says just this.
fn ask(first: &[u8], second: &[u8]) -> (Error, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(|| answer(&listener, first, second));
        let (asked, n_bytes) = measured(|| SchedulerInfo::ask(&address, &Security::new()));
        (asked.unwrap_err(), n_bytes)
    })
}

fn check(name: &str, first: &[u8], second: &[u8]) {
    let (error, n_bytes) = ask(first, second);
    let text = error.to_string();
    assert!(text.len() < 2_000, "{name}: {} bytes of message", text.len());
    let most_bytes = MAX_BYTES + 10 * (first.len() + second.len());
    assert!(n_bytes <= most_bytes, "{name}: {n_bytes} bytes were taken: {text}");
}

#[test]
fn claims_are_not_believed() {
    let good = captured("handshake.message");
    let claims: [(&str, Vec<u8>); 14] = [
        ("a length of 2^64 - 1", numbers(&[u64::MAX])),
        ("a length of 2^33", numbers(&[1 << 33, 1, 1 << 32])),
        ("no length at all", numbers(&[0, 0])),
        ("2^61 frames", numbers(&[24, 1 << 61, 1])),
        ("a frame of 2^34 bytes that never comes", numbers(&[16, 1, 1 << 33])),
        ("frames whose lengths overflow", numbers(&[32, 3, u64::MAX, u64::MAX, 2])),
        ("a million empty frames", [numbers(&[8 * 1_000_001, 1_000_000]), vec![0; 8_000_000]].concat()),
        ("an array of 2^32 - 1", message(&[b"\xdd\xff\xff\xff\xff"])),
        ("a map of 2^32 - 1", message(&[b"\xdf\xff\xff\xff\xff"])),
        ("a text of 2^32 - 1", message(&[b"\xdb\xff\xff\xff\xff"])),
        ("arrays in arrays", message(&[&vec![0x91; 100_000]])),
        ("arrays of claims", message(&[&b"\xdd\x00\x01\x00\x00".repeat(30_000)])),
        ("a frame that is not there", message(&[b"\x81\xae__Serialized__\x07"])),
        ("a pickle", message(&[b"\x81\xab__Pickled__\x01", b"\x82\xabpickled-obj\xc4\x02N.\xaenum-sub-frames\x00"])),
    ];
    for (name, claim) in claims {
        check(name, &claim, b"");
        check(name, &good, &claim);
    }
}

#[test]
fn a_bomb_does_not_go_off() {
    let good = captured("handshake.message");
    // A pickled exception that claims to become 4 GiB.
    let header = b"\x82\xabcompression\x91\xa3lz4\xaenum-sub-frames\x01";
    let reply = b"\x82\xa6status\xaeuncaught-error\xa9exception\x81\xae__Serialized__\x01";
    let bomb = [&u32::MAX.to_le_bytes()[..], &vec![0xff; 60_000]].concat();
    check("lz4", &good, &message(&[reply, header, &bomb]));
    let dask = b"\x84\xaaserializer\xa4dask\xa4type\xa5bytes\xabcompression\x91\xa3lz4\xaenum-sub-frames\x01";
    check("lz4 of bytes", &good, &message(&[reply, dask, &bomb]));
    // A pickle that doubles a tuple sixty times.
    let doubled = [&b"\x80\x04cbuiltins\nValueError\nN"[..], &b"2\x86".repeat(60), b"\x85R."].concat();
    let pickle = b"\x83\xaaserializer\xa6pickle\xa9writeable\x90\xaenum-sub-frames\x01";
    let wrapped = [&b"\x80\x05B"[..], &(doubled.len() as u32).to_le_bytes(), &doubled, b"."].concat();
    check("a doubling pickle", &good, &message(&[reply, pickle, &wrapped]));
}

#[test]
fn every_truncation_is_an_error() {
    let good = captured("handshake.message");
    for n_kept in 0..good.len() {
        check("a handshake", &good[..n_kept], b"");
    }
    let reply = captured("error_reply.message");
    for n_kept in (1..reply.len()).step_by(7) {
        check("an answer", &good, &reply[..n_kept]);
    }
}

#[test]
fn errors_of_the_scheduler_are_told() {
    let (error, _) = ask(&captured("handshake.message"), &captured("error_reply.message"));
    assert!(error.is_remote(), "{error:?}");
    assert!(error.to_string().contains("unexpected keyword argument"), "{error}");
}
