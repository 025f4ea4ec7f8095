//! Answers from the folder of a static release.
//!
//! Not here: what the kernel refuses to open (`file_root`), memory (`file_cache`), large files (`file_body`).

use std::{io, rc::Rc, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use crate::{
    account::Account,
    answers,
    arrival::Arrival,
    body::AnswerBody,
    core_state::Core,
    file_body::{FileSource, read_at},
    file_cache::CachedFile,
    file_range::{Range, range_of},
    file_root::{Entry, FileRoot},
    limits::FILE_BYTES_CACHED_MAX,
    pick::mix,
};

const INDEX: &str = "index.html";
const NOT_FOUND_PAGE: &[u8] = b"404.html";
/// A browser asks each time whether the file is still the same, so that a switch shows at once.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const BYTES: HeaderValue = HeaderValue::from_static("bytes");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD");

/// What is asked of a folder.
pub(crate) struct Question<'a> {
    pub(crate) root: Arc<FileRoot>,
    pub(crate) arrival: &'a Arrival,
    pub(crate) strip_bytes: usize,
}

/// What was found.
enum Found {
    Cached(Arc<CachedFile>),
    Large {
        file: FileSource,
        bytes: u64,
        content_type: HeaderValue,
        etag: HeaderValue,
    },
    /// A folder that was asked for without its final slash: relative links would lead elsewhere.
    Folder,
    Nothing,
}

/// Answers from files.
pub(crate) async fn answer(
    core: &Rc<Core>,
    question: Question<'_>,
    (method, headers): (&Method, &HeaderMap),
    mut account: Account,
) -> Response<AnswerBody> {
    if method != Method::GET && method != Method::HEAD {
        account.answered(StatusCode::METHOD_NOT_ALLOWED);
        let mut answer = answers::text(StatusCode::METHOD_NOT_ALLOWED, "Files can only be read.\n".into());
        answer.headers_mut().insert(header::ALLOW, METHODS);
        return answer;
    }
    match find(core, &question).await {
        Ok(Found::Nothing) => not_found(core, &question, account).await,
        Ok(Found::Folder) => {
            account.answered(StatusCode::PERMANENT_REDIRECT);
            to_folder(question.arrival)
        }
        Ok(found) => deliver(found, headers, account),
        Err(error) => {
            let (release, path) = (&question.root.release, question.arrival.path());
            tracing::error!(%release, path, %error, "a file can't be read");
            account.failed();
            answers::text(StatusCode::INTERNAL_SERVER_ERROR, "The file can't be read.\n".into())
        }
    }
}

async fn find(core: &Rc<Core>, question: &Question<'_>) -> io::Result<Found> {
    let target = question.arrival.path_and_query_without(question.strip_bytes);
    let Some(path) = file_path(target.path()) else { return Ok(Found::Nothing) };
    if path.is_folder && !question.arrival.path().ends_with('/') {
        return Ok(Found::Folder);
    }
    let wanted = if path.is_folder { [path.bytes.as_slice(), INDEX.as_bytes()].concat() } else { path.bytes };
    look_up(core, &question.root, wanted).await
}

async fn look_up(core: &Rc<Core>, root: &Arc<FileRoot>, path: Vec<u8>) -> io::Result<Found> {
    if let Some(file) = core.files.get(root.number, &path) {
        return Ok(Found::Cached(file));
    }
    let (root, cache) = (root.clone(), core.files.clone());
    let read = move || {
        let found = read(&root, &path)?;
        if let Found::Cached(file) = &found {
            cache.put(file.clone());
        }
        Ok(found)
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Opens a file, and reads it when it is small. Blocks.
fn read(root: &FileRoot, path: &[u8]) -> io::Result<Found> {
    let (file, bytes) = match root.entry(path)? {
        Entry::File { file, bytes } => (file, bytes),
        Entry::Folder => return Ok(Found::Folder),
        Entry::Nothing => return Ok(Found::Nothing),
    };
    let (content_type, etag) = (content_type(path), etag(root, path));
    if bytes > FILE_BYTES_CACHED_MAX {
        return Ok(Found::Large { file: FileSource::new(file, 0, bytes), bytes, content_type, etag });
    }
    let mut content = Vec::with_capacity(bytes as usize);
    while (content.len() as u64) < bytes {
        content.extend_from_slice(&read_at(&file, content.len() as u64, bytes as usize - content.len())?);
    }
    Ok(Found::Cached(Arc::new(CachedFile::new(root.number, path, content.into(), content_type, etag))))
}

fn content_type(path: &[u8]) -> HeaderValue {
    let mime = str::from_utf8(path).ok().and_then(|path| mime_guess::from_path(path).first());
    let Some(mime) = mime else { return HeaderValue::from_static("application/octet-stream") };
    let is_text = mime.type_() == "text" || matches!(mime.subtype().as_str(), "javascript" | "json" | "xml");
    let text = if is_text { format!("{mime}; charset=utf-8") } else { mime.to_string() };
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

/// A release is immutable, so its id and the path say which bytes these are.
fn etag(root: &FileRoot, path: &[u8]) -> HeaderValue {
    let bytes = root.release.as_str().bytes().chain([0xff]).chain(path.iter().copied());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| mix(hash ^ u64::from(byte)));
    HeaderValue::from_str(&format!("\"{hash:016x}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

fn deliver(found: Found, headers: &HeaderMap, mut account: Account) -> Response<AnswerBody> {
    let (bytes, content_type, etag) = match &found {
        Found::Cached(file) => (file.content.len() as u64, file.content_type.clone(), file.etag.clone()),
        Found::Large { bytes, content_type, etag, .. } => (*bytes, content_type.clone(), etag.clone()),
        Found::Folder | Found::Nothing => unreachable!("answered before"),
    };
    let range = range_of(headers, bytes, &etag);
    let is_same = headers.get_all(header::IF_NONE_MATCH).iter().any(|line| names(line, &etag));
    let (status, from, count) = match range {
        _ if is_same => (StatusCode::NOT_MODIFIED, 0, 0),
        Range::Whole => (StatusCode::OK, 0, bytes),
        Range::Part { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Range::Outside => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    account.answered(status);
    let body = match found {
        Found::Large { file, .. } => AnswerBody::file(file.part(from, count), account),
        Found::Cached(file) => AnswerBody::memory(part(&file.content, from, count), account),
        Found::Folder | Found::Nothing => AnswerBody::own(""),
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    let lines = answer.headers_mut();
    lines.insert(header::ETAG, etag);
    lines.insert(header::CACHE_CONTROL, NO_CACHE);
    lines.insert(header::ACCEPT_RANGES, BYTES);
    if status != StatusCode::NOT_MODIFIED {
        lines.insert(header::CONTENT_TYPE, content_type);
        lines.insert(header::CONTENT_LENGTH, count.into());
    }
    let content_range = match range {
        Range::Part { first, last } if status == StatusCode::PARTIAL_CONTENT => format!("bytes {first}-{last}/{bytes}"),
        Range::Outside if status == StatusCode::RANGE_NOT_SATISFIABLE => format!("bytes */{bytes}"),
        _ => return answer,
    };
    if let Ok(value) = HeaderValue::from_str(&content_range) {
        lines.insert(header::CONTENT_RANGE, value);
    }
    answer
}

fn part(content: &Bytes, from: u64, count: u64) -> Bytes {
    content.slice(from as usize..(from + count) as usize)
}

/// Whether an If-None-Match line names a tag (weakly, as RFC 9110 13.1.2 wants it).
fn names(line: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(line), Ok(etag)) = (line.to_str(), etag.to_str()) else { return false };
    line.split(',').map(str::trim).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

async fn not_found(core: &Rc<Core>, question: &Question<'_>, mut account: Account) -> Response<AnswerBody> {
    account.answered(StatusCode::NOT_FOUND);
    let page = look_up(core, &question.root, NOT_FOUND_PAGE.to_vec()).await;
    let Ok(Found::Cached(page)) = page else {
        return answers::text(StatusCode::NOT_FOUND, format!("There is no file at {}.\n", question.arrival.path()));
    };
    let mut answer = Response::new(AnswerBody::memory(page.content.clone(), account));
    *answer.status_mut() = StatusCode::NOT_FOUND;
    answer.headers_mut().insert(header::CONTENT_TYPE, page.content_type.clone());
    answer.headers_mut().insert(header::CACHE_CONTROL, NO_CACHE);
    answer
}

fn to_folder(arrival: &Arrival) -> Response<AnswerBody> {
    // Two slashes at the beginning would name another host.
    let path = arrival.path().trim_start_matches('/');
    let query = arrival.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut answer = answers::text(StatusCode::PERMANENT_REDIRECT, String::new());
    if let Ok(location) = HeaderValue::from_str(&format!("/{path}/{query}")) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}

/// A path within a folder.
#[derive(Debug, PartialEq, Eq)]
struct FilePath {
    /// Without a slash at its beginning; with one at its end, when it names a folder besides the root.
    bytes: Vec<u8>,
    is_folder: bool,
}

/// Reads a request's path, decoded once; none when it can't name a file.
fn file_path(path: &str) -> Option<FilePath> {
    let decoded = decode(path)?;
    if decoded.contains(&0) {
        return None;
    }
    let mut bytes = Vec::with_capacity(decoded.len());
    for segment in decoded.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => return None,
            segment => {
                bytes.extend_from_slice(segment);
                bytes.push(b'/');
            }
        }
    }
    let is_folder = bytes.is_empty() || decoded.ends_with(b"/");
    if !is_folder {
        bytes.pop();
    }
    Some(FilePath { bytes, is_folder })
}

fn decode(path: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let high = char::from(bytes.next()?).to_digit(16)?;
        let low = char::from(bytes.next()?).to_digit(16)?;
        decoded.push((high * 16 + low) as u8);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_once_and_never_climb() {
        let path =
            |text: &str| file_path(text).map(|path| (String::from_utf8(path.bytes).expect("text"), path.is_folder));
        let file = |text: &str| Some((text.to_owned(), false));
        let folder = |text: &str| Some((text.to_owned(), true));
        assert_eq!(path("/"), folder(""));
        assert_eq!(path("/a/b.html"), file("a/b.html"));
        assert_eq!(path("/a//./b"), file("a/b"));
        assert_eq!(path("/a/"), folder("a/"));
        assert_eq!(path("/a%20b"), file("a b"));
        assert_eq!(path("/%252e%252e/x"), file("%2e%2e/x"), "once");
        for bad in ["/..", "/a/../b", "/%2e%2e/x", "/a%2f..%2fb", "/%00", "/%", "/%zz", "/a/%2e."] {
            assert_eq!(path(bad), None, "{bad}");
        }
    }

    #[test]
    fn if_none_match_is_a_list_and_weak() {
        let names = |line: &'static str| names(&HeaderValue::from_static(line), &HeaderValue::from_static("\"a\""));
        assert!(names("\"a\"") && names("\"b\", W/\"a\"") && names("*"));
        assert!(!names("\"b\"") && !names("a"));
    }
}
