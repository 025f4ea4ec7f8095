//! Copies of data folders, with real folders: what they hold, what they refuse, and what is left of them after a crash.

mod support;

use std::{
    collections::BTreeMap,
    fs::{self, File, FileTimes, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::{
        ffi::OsStringExt,
        fs::{FileExt, MetadataExt, PermissionsExt, chown, symlink},
        net::UnixListener,
        process::CommandExt,
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use futures_util::{FutureExt, future::join_all};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use shipway_core::{
    id::SlotKey,
    ports::{Driver, FaultKind},
};
use shipway_targets::{INSTANCE_PORTS, LocalConfig, LocalDriver, MEMORY_FOLDER};
use support::{Copies, is_root};
use tempfile::TempDir;

const MIB_BYTES: u64 = 1024 * 1024;
const PLENTY_BYTES: u64 = 1024 * MIB_BYTES;
/// A user without rights, for what root may do and others may not.
const NOBODY: u32 = 65534;
const AS_NOBODY: &str = "SHIPWAY_TEST_AS_NOBODY";

/// A driver whose service `web` has data.
struct Data {
    home: TempDir,
    driver: Arc<LocalDriver>,
}

impl Data {
    fn new() -> Self {
        let home = TempDir::new().expect("a temporary folder");
        let driver = open(home.path());
        let data = Self { home, driver };
        fs::create_dir_all(data.folder()).expect("a folder");
        data
    }

    /// The service's data folders.
    fn folder(&self) -> PathBuf {
        self.home.path().join("volumes/shop/dev/web")
    }

    fn copies(&self) -> PathBuf {
        self.home.path().join("snapshots/shop/dev/web")
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    async fn take(&self, name: &str) -> u64 {
        self.driver.snapshot_data(&slot(), name, PLENTY_BYTES).await.expect("a snapshot").bytes
    }

    async fn restore(&self, name: &str) {
        self.driver.restore_data(&slot(), name).await.expect("restored");
    }

    async fn names(&self) -> Vec<String> {
        let listed = self.driver.data_snapshots(&slot()).await.expect("a list");
        listed.into_iter().map(|snapshot| snapshot.name).collect()
    }

    /// Another server on the same folder.
    fn restart(&mut self) {
        self.driver = open(self.home.path());
    }
}

fn open(data: &Path) -> Arc<LocalDriver> {
    let config = LocalConfig {
        data: data.to_path_buf(),
        artifacts: Arc::new(Copies::default()),
        shim: std::env::current_exe().expect("the test's own program"),
        ports: INSTANCE_PORTS,
        cgroups: false,
        memory: MEMORY_FOLDER.into(),
    };
    LocalDriver::new(config).expect("a driver")
}

fn slot() -> SlotKey {
    SlotKey { project: "shop".into(), environment: "dev".into(), service: "web".into() }
}

/// What is to be kept of a file, folder or link.
#[derive(Debug, PartialEq)]
struct Kept {
    mode: u32,
    owner: (u32, u32),
    modified: (i64, i64),
    /// What is in it, or where it leads.
    content: Vec<u8>,
}

fn tree(root: &Path) -> BTreeMap<PathBuf, Kept> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![root.to_path_buf()];
    while let Some(path) = waiting.pop() {
        let about = fs::symlink_metadata(&path).expect("metadata");
        let content = if about.is_dir() {
            waiting.extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
            Vec::new()
        } else if about.is_symlink() {
            fs::read_link(&path).expect("a link").into_os_string().into_vec()
        } else if about.is_file() {
            fs::read(&path).expect("a file")
        } else {
            panic!("{} is special", path.display())
        };
        let inner = path.strip_prefix(root).expect("below the root").to_path_buf();
        let (mode, owner) = (about.mode(), (about.uid(), about.gid()));
        found.insert(inner, Kept { mode, owner, modified: (about.mtime(), about.mtime_nsec()), content });
    }
    found
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
}

fn set_time(path: &Path, since_epoch: Duration) {
    let times = FileTimes::new().set_modified(SystemTime::UNIX_EPOCH + since_epoch);
    File::open(path).expect("opened").set_times(times).expect("times");
}

fn entries(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(name)
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name != ".lock")
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_is_put_back_is_what_was_there() {
    let data = Data::new();
    let outside = data.home.path().join("outside");
    fs::write(&outside, "not the service's").expect("a file");
    set_mode(&data.write("rows/one", "1"), 0o640);
    set_mode(&data.write("rows/tool", "#!"), 0o4755);
    data.write("rows/empty", "");
    fs::write(data.folder().join(std::ffi::OsString::from_vec(vec![b'n', 0xff, b'\n'])), "odd").expect("a file");
    fs::create_dir(data.folder().join("rows/nothing")).expect("a folder");
    symlink("one", data.folder().join("rows/near")).expect("a link");
    symlink("nowhere", data.folder().join("rows/dangling")).expect("a link");
    symlink(&outside, data.folder().join("rows/out")).expect("a link");
    symlink(data.home.path(), data.folder().join("rows/up")).expect("a link");
    if is_root() {
        chown(data.folder().join("rows/one"), Some(NOBODY), Some(NOBODY)).expect("an owner");
        chown(data.folder().join("rows"), Some(NOBODY), Some(NOBODY)).expect("an owner");
        set_mode(&data.write("closed", "secret"), 0);
    }
    set_time(&data.folder().join("rows/one"), Duration::new(1_000_000_000, 123_456_789));
    set_mode(&data.folder().join("rows"), 0o2750);
    set_time(&data.folder().join("rows"), Duration::new(1_100_000_000, 5));
    let before = tree(&data.folder());

    data.take("s-1").await;
    set_mode(&data.folder().join("rows"), 0o700);
    fs::remove_dir_all(data.folder().join("rows")).expect("removed");
    data.write("rows/one", "changed");
    data.write("new", "new");
    data.restore("s-1").await;
    assert_eq!(tree(&data.folder()), before);
    assert_eq!(fs::read(&outside).expect("a file"), b"not the service's");
    // Nothing is left beside it, the copy stays, and it can be put back again.
    assert_eq!(entries(&data.home.path().join("volumes/shop/dev")), ["web"]);
    fs::remove_dir_all(data.folder()).expect("removed");
    data.restore("s-1").await;
    assert_eq!(tree(&data.folder()), before);
    assert_eq!(data.names().await, ["s-1"]);
}

#[tokio::test]
async fn a_copy_is_a_copy_and_not_the_same_files() {
    let data = Data::new();
    let file = data.write("rows", "before");
    data.take("s").await;
    fs::OpenOptions::new().write(true).open(&file).expect("a file").write_all_at(b"AFTER!", 0).expect("written");
    data.restore("s").await;
    assert_eq!(fs::read_to_string(&file).expect("a file"), "before");
    File::options().append(true).open(&file).expect("a file").write_all(b" and more").expect("written");
    data.restore("s").await;
    assert_eq!(fs::read_to_string(&file).expect("a file"), "before");
}

#[tokio::test]
async fn nobody_else_may_look_into_copies() {
    let data = Data::new();
    data.write("rows", "1");
    data.take("s").await;
    for folder in ["snapshots", "snapshots/shop/dev", "snapshots/shop/dev/web", "snapshots/shop/dev/web/s"] {
        let mode = fs::metadata(data.home.path().join(folder)).expect("metadata").mode();
        assert_eq!(mode & 0o777, 0o700, "{folder}");
    }
}

#[tokio::test]
async fn one_that_is_there_stays_as_it_is() {
    let data = Data::new();
    let file = data.write("rows", "first");
    let first = data.driver.snapshot_data(&slot(), "s", PLENTY_BYTES).await.expect("a snapshot");
    assert_eq!((first.name.as_str(), first.bytes), ("s", 5));
    fs::write(&file, vec![b'x'; 4096]).expect("written");
    // Also where it would now be too large.
    assert_eq!(data.driver.snapshot_data(&slot(), "s", 0).await.expect("the same"), first);
    data.restore("s").await;
    assert_eq!(fs::read_to_string(&file).expect("a file"), "first");
}

#[tokio::test]
async fn many_at_once_take_one() {
    let data = Data::new();
    (0..50).for_each(|at| drop(data.write(&format!("rows/{at}"), vec![b'x'; 1000])));
    let key = slot();
    let taken = join_all((0..8).map(|_| data.driver.snapshot_data(&key, "s", PLENTY_BYTES))).await;
    let taken: Vec<_> = taken.into_iter().map(|taken| taken.expect("a snapshot")).collect();
    assert!(taken.iter().all(|one| *one == taken[0]), "{taken:?}");
    assert_eq!(taken[0].bytes, 50_000);
    assert_eq!(entries(&data.copies()), ["s"]);
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_leaves_nothing() {
    let data = Data::new();
    data.write("rows/a", vec![b'x'; 600_000]);
    data.write("rows/b", vec![b'x'; 600_000]);
    let fault = data.driver.snapshot_data(&slot(), "s", MIB_BYTES).await.expect_err("too large");
    assert_eq!(fault.kind, FaultKind::Invalid);
    assert_eq!(fault.message, "the data folders of shop/dev/web hold more than the 1 MiB that a copy may have");
    assert!(fault.hint.expect("a hint").contains("snapshot_mb_max"));
    assert_eq!(entries(&data.copies()), [""; 0]);
    assert_eq!(data.names().await, [""; 0]);
    assert_eq!(data.driver.snapshot_data(&slot(), "s", 1_200_000).await.expect("just so").bytes, 1_200_000);
}

#[tokio::test]
async fn holes_stay_holes_and_count_for_nothing() {
    let data = Data::new();
    let path = data.write("image", "begin");
    let file = OpenOptions::new().write(true).open(&path).expect("a file");
    file.write_all_at(b"middle", 700 * MIB_BYTES).expect("written");
    file.set_len(2048 * MIB_BYTES).expect("a length");
    file.sync_all().expect("written");
    let taken = data.driver.snapshot_data(&slot(), "s", MIB_BYTES).await.expect("small enough");
    assert!(taken.bytes < MIB_BYTES, "{}", taken.bytes);
    fs::remove_file(&path).expect("removed");
    data.restore("s").await;
    let about = fs::metadata(&path).expect("metadata");
    assert_eq!(about.len(), 2048 * MIB_BYTES);
    assert!(about.blocks() * 512 < MIB_BYTES, "{} blocks", about.blocks());
    let mut file = File::open(&path).expect("a file");
    for (at, text) in [(0, "begin\0"), (700 * MIB_BYTES - 1, "\0middle\0"), (2048 * MIB_BYTES - 2, "\0\0")] {
        let mut found = vec![0; text.len()];
        file.seek(SeekFrom::Start(at)).expect("sought");
        file.read_exact(&mut found).expect("read");
        assert_eq!(String::from_utf8_lossy(&found), text);
    }
}

#[tokio::test]
async fn a_large_file_is_copied_byte_by_byte() {
    let data = Data::new();
    // More than is copied in one go, and no multiple of anything.
    let bytes: Vec<u8> = (0_u32..6_000_007).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let path = data.write("large", &bytes);
    assert_eq!(data.take("s").await, bytes.len() as u64);
    fs::write(&path, "gone").expect("written");
    data.restore("s").await;
    assert!(fs::read(&path).expect("a file") == bytes);
}

#[tokio::test]
async fn sockets_and_fifos_are_left_out() {
    let data = Data::new();
    data.write("rows", "1");
    let _socket = UnixListener::bind(data.folder().join("socket")).expect("a socket");
    mknodat(CWD, data.folder().join("fifo"), FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("a fifo");
    assert_eq!(data.take("s").await, 1);
    data.restore("s").await;
    assert_eq!(entries(&data.folder()), ["rows"]);
}

#[tokio::test]
async fn a_service_without_data_has_an_empty_copy() {
    let data = Data::new();
    fs::remove_dir(data.folder()).expect("removed");
    assert_eq!(data.take("s").await, 0);
    data.write("rows", "1");
    data.restore("s").await;
    assert_eq!(entries(&data.folder()), [""; 0]);
}

#[tokio::test]
async fn copies_are_listed_newest_first() {
    let data = Data::new();
    assert_eq!(data.names().await, [""; 0]);
    for (at, name) in ["b", "c", "a"].into_iter().enumerate() {
        data.write(&format!("rows/{name}"), vec![b'x'; 10]);
        assert_eq!(data.take(name).await, 10 * (at as u64 + 1));
        // The clock has to have moved on: to the millisecond they would be equal.
        let taken = data.driver.data_snapshots(&slot()).await.expect("a list")[0].at;
        support::until("the clock moves on", async || {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_millis();
            (now > taken.0 as u128).then_some(())
        })
        .await;
    }
    assert_eq!(data.names().await, ["a", "c", "b"]);
    let listed = data.driver.data_snapshots(&slot()).await.expect("a list");
    assert_eq!(listed.iter().map(|snapshot| snapshot.bytes).collect::<Vec<_>>(), [30, 20, 10]);
    // Another service has none of them.
    let other = SlotKey { service: "api".into(), ..slot() };
    assert_eq!(data.driver.data_snapshots(&other).await.expect("a list"), []);
}

#[tokio::test]
async fn a_copy_that_is_not_there_is_told_with_those_that_are() {
    let data = Data::new();
    data.write("rows", "1");
    let fault = data.driver.restore_data(&slot(), "s").await.expect_err("none");
    assert_eq!((fault.kind, fault.message.as_str()), (FaultKind::NotFound, "shop/dev/web has no snapshot `s`"));
    data.take("one").await;
    let fault = data.driver.restore_data(&slot(), "two").await.expect_err("none");
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(fault.hint.as_deref(), Some("there are one"));
    assert_eq!(entries(&data.folder()), ["rows"]);
}

#[tokio::test]
async fn names_lead_nowhere_else() {
    let data = Data::new();
    data.write("rows", "1");
    let long = "x".repeat(201);
    for name in ["", ".", "..", ".new", ".lock", "../web", "a/b", "/etc", "a\0b", "a b", "-a", "ä", &long] {
        let fault = data.driver.snapshot_data(&slot(), name, PLENTY_BYTES).await.expect_err(name);
        assert_eq!(fault.kind, FaultKind::Invalid, "{name:?}");
        let fault = data.driver.restore_data(&slot(), name).await.expect_err(name);
        assert_eq!(fault.kind, FaultKind::Invalid, "{name:?}");
    }
    assert!(!data.home.path().join("snapshots").exists());
    data.take("staging-12.web_2").await;
}

#[tokio::test]
async fn a_link_in_the_place_of_the_data_is_not_followed() {
    let data = Data::new();
    let outside = data.home.path().join("outside");
    fs::create_dir(&outside).expect("a folder");
    fs::write(outside.join("secret"), "secret").expect("a file");
    fs::remove_dir(data.folder()).expect("removed");
    symlink(&outside, data.folder()).expect("a link");
    data.driver.snapshot_data(&slot(), "s", PLENTY_BYTES).await.expect_err("a link");
    assert_eq!(entries(&data.copies()), [""; 0]);
}

#[tokio::test]
async fn folders_in_folders_without_end_are_refused() {
    let data = Data::new();
    data.write(&format!("{}/rows", ["x"; 200].join("/")), "1");
    let fault = data.driver.snapshot_data(&slot(), "s", PLENTY_BYTES).await.expect_err("too deep");
    assert_eq!(fault.kind, FaultKind::Invalid);
    assert_eq!(entries(&data.copies()), [""; 0]);
}

#[tokio::test]
async fn what_a_crash_left_of_a_copy_goes() {
    let mut data = Data::new();
    data.write("rows", "1");
    let half = data.copies().join(".new/data");
    fs::create_dir_all(&half).expect("a folder");
    fs::write(half.join("rows"), "half").expect("a file");
    set_mode(&half, 0);
    // It is no copy, and in nobody's way.
    assert_eq!(data.names().await, [""; 0]);
    data.take("s").await;
    assert_eq!(entries(&data.copies()), ["s"]);
    data.restore("s").await;
    assert_eq!(fs::read_to_string(data.folder().join("rows")).expect("a file"), "1");
    // A server that starts removes it, too.
    fs::create_dir_all(&half).expect("a folder");
    data.restart();
    assert_eq!(entries(&data.copies()), ["s"]);
}

#[tokio::test]
async fn what_a_crash_left_of_a_restoration_ends_right() {
    let mut data = Data::new();
    data.write("rows", "old");
    data.take("s").await;
    data.write("rows", "new");
    let beside = |name: &str| data.home.path().join("volumes/shop/dev").join(name);
    let (coming, leaving) = (beside(".new-web"), beside(".old-web"));
    let rows = data.folder().join("rows");
    let read = || fs::read_to_string(&rows).expect("a file");

    // While it was copied: the data is as it was, and the repetition does it all.
    fs::create_dir(&coming).expect("a folder");
    fs::write(coming.join("rows"), "hal").expect("a file");
    data.restart();
    assert_eq!((read().as_str(), coming.exists()), ("new", false));
    fs::create_dir(&coming).expect("a folder");
    data.restore("s").await;
    assert_eq!((read().as_str(), coming.exists()), ("old", false));

    // Between two renames: a start puts back what was there.
    fs::write(&rows, "newer").expect("written");
    fs::rename(data.folder(), &leaving).expect("renamed");
    data.restart();
    assert_eq!((read().as_str(), leaving.exists()), ("newer", false));
    // Or the repetition comes first.
    fs::rename(data.folder(), &leaving).expect("renamed");
    data.restore("s").await;
    assert_eq!((read().as_str(), leaving.exists()), ("old", false));

    // After the exchange: what was there goes.
    fs::create_dir(&leaving).expect("a folder");
    fs::write(leaving.join("rows"), "newest").expect("a file");
    data.restart();
    assert_eq!((read().as_str(), leaving.exists()), ("old", false));
    assert_eq!(entries(&data.home.path().join("volumes/shop/dev")), ["web"]);
}

#[tokio::test]
async fn one_that_was_given_up_is_in_nobodys_way() {
    let data = Data::new();
    (0..200).for_each(|at| drop(data.write(&format!("rows/{at}"), vec![b'x'; 10_000])));
    let before = tree(&data.folder());
    let key = slot();
    for at in 0..20 {
        let mut take = data.driver.snapshot_data(&key, "s", PLENTY_BYTES);
        let _ = (&mut take).now_or_never();
        drop(take);
        assert_eq!(data.take(&format!("s-{at}")).await, 2_000_000);
    }
    let mut restore = data.driver.restore_data(&key, "s-0");
    let _ = (&mut restore).now_or_never();
    drop(restore);
    data.restore("s-0").await;
    assert_eq!(tree(&data.folder()), before);
}

#[tokio::test]
async fn a_copy_whose_record_is_lost_is_not_used() {
    let data = Data::new();
    data.write("rows", "1");
    data.take("s").await;
    data.take("t").await;
    let about = data.copies().join("s/about.json");
    fs::write(&about, "{").expect("written");
    let fault = data.driver.restore_data(&slot(), "s").await.expect_err("no record");
    assert_eq!(fault.kind, FaultKind::Corrupt);
    let fault = data.driver.snapshot_data(&slot(), "s", PLENTY_BYTES).await.expect_err("no record");
    assert_eq!(fault.kind, FaultKind::Corrupt);
    assert_eq!(data.names().await, ["t"]);
    assert_eq!(fs::read_to_string(data.folder().join("rows")).expect("a file"), "1");
}

/// The application goes on writing, and swaps a folder of its own for a link out of it, again and again.
#[tokio::test]
async fn whatever_the_application_does_meanwhile_nothing_foreign_is_copied() {
    const COPIES: usize = 40;
    let data = Data::new();
    let outside = data.home.path().join("outside");
    fs::create_dir(&outside).expect("a folder");
    fs::write(outside.join("file"), "foreign").expect("a file");
    data.write("swapped/file", "own");
    data.write("steady", "steady");
    let ended = Arc::new(AtomicBool::new(false));
    let application = std::thread::spawn({
        let (folder, outside, ended) = (data.folder(), outside.clone(), ended.clone());
        move || {
            let (swapped, away) = (folder.join("swapped"), folder.join("away"));
            while !ended.load(Ordering::Relaxed) {
                fs::rename(&swapped, &away).expect("renamed");
                symlink(&outside, &swapped).expect("a link");
                fs::remove_file(&swapped).expect("removed");
                fs::rename(&away, &swapped).expect("renamed");
                let passing = folder.join("passing");
                fs::write(&passing, "passing").expect("written");
                fs::remove_file(&passing).expect("removed");
            }
        }
    });
    let mut whole = 0;
    for at in 0..COPIES {
        let name = format!("s-{at}");
        if data.driver.snapshot_data(&slot(), &name, PLENTY_BYTES).await.is_ok() {
            let copied = tree(&data.copies().join(&name).join("data"));
            assert!(copied.values().all(|kept| kept.content != b"foreign"), "{copied:?}");
            assert_eq!(copied[Path::new("steady")].content, b"steady");
            whole += 1;
        }
    }
    ended.store(true, Ordering::Relaxed);
    application.join().expect("the application ended well");
    assert!(whole > 0, "not one of {COPIES} was taken");
}

/// Root may read everything, so it is another user who tries.
#[tokio::test]
async fn what_can_not_be_read_is_told() {
    if is_root() {
        let own = std::env::current_exe().expect("the test's own program");
        let home = TempDir::new().expect("a temporary folder");
        let copy = home.path().join("as-nobody");
        fs::copy(own, &copy).expect("a copy that others may run");
        for path in [home.path(), &copy] {
            chown(path, Some(NOBODY), Some(NOBODY)).expect("an owner");
        }
        let mut command = std::process::Command::new(copy);
        command.args(["--exact", "what_can_not_be_read_is_told"]).env(AS_NOBODY, "1").env("TMPDIR", home.path());
        let ended = command.current_dir(home.path()).uid(NOBODY).gid(NOBODY).output().expect("it ran");
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let data = Data::new();
    set_mode(&data.write("rows/closed", "secret"), 0);
    let fault = data.driver.snapshot_data(&slot(), "s", PLENTY_BYTES).await.expect_err("unreadable");
    assert!(fault.message.contains("rows/closed"), "{}", fault.message);
    assert!(fault.hint.is_some());
    assert_eq!(entries(&data.copies()), [""; 0]);
    set_mode(&data.folder().join("rows/closed"), 0o400);
    set_mode(&data.folder().join("rows"), 0o500);
    assert_eq!(data.take("s").await, 6);
    // A folder that nobody may write to is no obstacle, neither for putting back nor for what goes.
    data.restore("s").await;
    data.restore("s").await;
    assert_eq!(fs::read_to_string(data.folder().join("rows/closed")).expect("a file"), "secret");
    assert_eq!(entries(&data.home.path().join("volumes/shop/dev")), ["web"]);
    set_mode(&data.folder().join("rows"), 0o700);
}
