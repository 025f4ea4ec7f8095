//! Small files in memory, shared by all cores. A release is immutable, so nothing here grows stale: entries only leave
//! for others.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use http::HeaderValue;

use crate::{limits::FILE_CACHE_BYTES_MAX, pick::mix};

const SHARDS: usize = 8;
/// What an entry takes besides its content, roughly.
const ENTRY_BYTES: usize = 256;

/// A file in memory.
#[derive(Debug)]
pub(crate) struct CachedFile {
    pub(crate) content: Bytes,
    pub(crate) content_type: HeaderValue,
    pub(crate) etag: HeaderValue,
    root: u64,
    path: Box<[u8]>,
    asked_again: AtomicBool,
}

impl CachedFile {
    pub(crate) fn new(root: u64, path: &[u8], content: Bytes, content_type: HeaderValue, etag: HeaderValue) -> Self {
        Self { content, content_type, etag, root, path: path.into(), asked_again: AtomicBool::new(false) }
    }

    fn bytes(&self) -> usize {
        self.content.len() + self.path.len() + ENTRY_BYTES
    }
}

/// All files in memory.
#[derive(Debug)]
pub(crate) struct FileCache {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug)]
struct Shard {
    files: HashMap<u64, Arc<CachedFile>>,
    /// In the order in which they came; those that were asked for again get a second round.
    queue: VecDeque<u64>,
    bytes: usize,
    bytes_max: usize,
}

impl FileCache {
    pub(crate) fn new() -> Self {
        Self::with_bytes_max(FILE_CACHE_BYTES_MAX)
    }

    fn with_bytes_max(bytes_max: usize) -> Self {
        let shard = |_| Mutex::new(Shard { files: HashMap::new(), queue: VecDeque::new(), bytes: 0, bytes_max });
        let cache = Self { shards: std::array::from_fn(shard) };
        for shard in &cache.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).bytes_max = bytes_max / SHARDS;
        }
        cache
    }

    pub(crate) fn get(&self, root: u64, path: &[u8]) -> Option<Arc<CachedFile>> {
        let key = key(root, path);
        let shard = self.shard(key).lock().unwrap_or_else(PoisonError::into_inner);
        let file = shard.files.get(&key).filter(|file| file.root == root && *file.path == *path)?;
        file.asked_again.store(true, Ordering::Relaxed);
        Some(file.clone())
    }

    pub(crate) fn put(&self, file: Arc<CachedFile>) {
        let key = key(file.root, &file.path);
        self.shard(key).lock().unwrap_or_else(PoisonError::into_inner).put(key, file);
    }

    fn shard(&self, key: u64) -> &Mutex<Shard> {
        &self.shards[key as usize % SHARDS]
    }
}

impl Shard {
    fn put(&mut self, key: u64, file: Arc<CachedFile>) {
        if file.bytes() > self.bytes_max {
            return;
        }
        self.bytes += file.bytes();
        match self.files.insert(key, file) {
            Some(before) => self.bytes -= before.bytes(),
            None => self.queue.push_back(key),
        }
        while self.bytes > self.bytes_max {
            let Some(oldest) = self.queue.pop_front() else { return };
            self.release(oldest);
        }
    }

    fn release(&mut self, key: u64) {
        let Some(file) = self.files.get(&key) else { return };
        if file.asked_again.swap(false, Ordering::Relaxed) {
            self.queue.push_back(key);
            return;
        }
        self.bytes -= file.bytes();
        self.files.remove(&key);
    }
}

fn key(root: u64, path: &[u8]) -> u64 {
    mix(path.iter().fold(mix(root), |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(root: u64, path: &str, bytes: usize) -> Arc<CachedFile> {
        let text = HeaderValue::from_static("x");
        Arc::new(CachedFile::new(root, path.as_bytes(), vec![0; bytes].into(), text.clone(), text))
    }

    fn bytes_of(cache: &FileCache) -> usize {
        cache.shards.iter().map(|shard| shard.lock().expect("no thread panicked").bytes).sum()
    }

    #[test]
    fn memory_is_bounded() {
        let cache = FileCache::with_bytes_max(80_000);
        for at in 0..1_000 {
            cache.put(file(1, &format!("f{at}"), 1_000));
            assert!(bytes_of(&cache) <= 80_000);
        }
        assert!(bytes_of(&cache) > 40_000, "it is used");
        cache.put(file(1, "too large for any shard", 20_000));
        assert!(cache.get(1, b"too large for any shard").is_none());
    }

    #[test]
    fn roots_do_not_share_files_and_hot_ones_stay() {
        let cache = FileCache::with_bytes_max(80_000);
        cache.put(file(1, "hot", 1_000));
        assert!(cache.get(1, b"hot").is_some() && cache.get(2, b"hot").is_none());
        for at in 0..1_000 {
            cache.put(file(1, &format!("f{at}"), 1_000));
            assert!(cache.get(1, b"hot").is_some(), "gone after {at}");
        }
    }
}
