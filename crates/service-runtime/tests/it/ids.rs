//! Ids of several processes: minted apart, unique together, and in the order of time.

use std::{env, fs, path::Path, process::Command};

use contracts::TransactionId;
use service_runtime::{Clock, entropy};

/// A million ids in all; ten million were tried once. 74 random bits a millisecond collide once
/// in 10^10 such runs even if every id were of the same millisecond.
const PROCESSES: usize = 8;
const IDS: usize = 125_000;
/// Tells this test that it is one of the processes, and where its ids go.
const WRITE_TO: &str = "FLORIN_TEST_IDS";

const NAME: &str = "ids::a_million_ids_of_eight_processes_are_unique_and_in_the_order_of_time";

#[test]
fn a_million_ids_of_eight_processes_are_unique_and_in_the_order_of_time() {
    if let Some(path) = env::var_os(WRITE_TO) {
        mint(Path::new(&path));
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let program = env::current_exe().expect("this program");
    let paths: Vec<_> = (0..PROCESSES)
        .map(|number| folder.path().join(number.to_string()))
        .collect();
    let processes: Vec<_> = paths
        .iter()
        .map(|path| {
            let mut command = Command::new(&program);
            command.args([NAME, "--exact", "--quiet"]);
            command.env(WRITE_TO, path).spawn().expect("a process")
        })
        .collect();
    for mut process in processes {
        assert!(process.wait().expect("it ends").success());
    }
    let mut ids: Vec<[u8; 16]> = Vec::with_capacity(PROCESSES * IDS);
    for path in &paths {
        let bytes = fs::read(path).expect("its ids");
        let (own, rest) = bytes.as_chunks::<16>();
        assert_eq!((own.len(), rest.len()), (IDS, 0));
        // The first six bytes are the millisecond.
        assert!(own.is_sorted_by_key(|id| &id[..6]), "in the order of time");
        ids.extend(own);
    }
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "unique");
}

fn mint(path: &Path) {
    let clock = Clock::system();
    let mut bytes = Vec::with_capacity(IDS * 16);
    for _ in 0..IDS {
        let id = TransactionId::mint(clock.now(), entropy());
        bytes.extend_from_slice(id.as_uuid().as_bytes());
    }
    fs::write(path, bytes).expect("written");
}
