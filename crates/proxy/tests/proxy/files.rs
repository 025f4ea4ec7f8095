//! Static releases.

use std::{fs, os::unix::fs::symlink, path::Path};

use http::{Request, StatusCode};
use tempfile::TempDir;

use crate::bench::*;

const LARGE_BYTES: usize = 3 * 1024 * 1024 + 17;

fn site() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("site");
    fs::create_dir_all(root.join("docs/deep")).expect("folders");
    let write = |path: &str, content: &[u8]| fs::write(root.join(path), content).expect("a file");
    write("index.html", b"<h1>home</h1>");
    write("docs/index.html", b"docs");
    write("docs/a b.txt", b"0123456789");
    write("app.js", b"let a");
    write("blob", b"\0\x01");
    write("large.bin", &large());
    fs::write(folder.path().join("secret"), "secret").expect("a file");
    symlink("../secret", root.join("out")).expect("a link");
    symlink("/etc/hostname", root.join("absolute")).expect("a link");
    symlink("docs/a b.txt", root.join("inside")).expect("a link");
    folder
}

fn large() -> Vec<u8> {
    (0..LARGE_BYTES).map(|at| (at % 251) as u8).collect()
}

async fn proxy_of(root: &Path) -> Proxy {
    let proxy = Proxy::start().await;
    proxy.publish(one_service(pool(vec![file_backend("s1", &root.join("site"))]))).await;
    proxy
}

async fn get_with(proxy: &Proxy, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::get(path).header("host", "a");
    ask(proxy.address(), headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

#[tokio::test]
async fn files_have_types_tags_and_lengths() {
    let folder = site();
    let proxy = proxy_of(folder.path()).await;
    for (path, content_type, body) in [
        ("/", "text/html; charset=utf-8", "<h1>home</h1>"),
        ("/docs/", "text/html; charset=utf-8", "docs"),
        ("/docs/a%20b.txt", "text/plain; charset=utf-8", "0123456789"),
        ("/app.js?v=1", "text/javascript; charset=utf-8", "let a"),
        ("/blob", "application/octet-stream", "\0\x01"),
        ("/inside", "application/octet-stream", "0123456789"),
    ] {
        // The second answer comes from memory.
        for _ in 0..2 {
            let answer = proxy.get("a", path).await;
            assert_eq!((answer.status, answer.text()), (StatusCode::OK, body), "{path}");
            assert_eq!(answer.header("content-type"), content_type, "{path}");
            assert_eq!(answer.header("content-length"), body.len().to_string());
            assert_eq!(answer.header("cache-control"), "no-cache");
            let again = get_with(&proxy, path, &[("if-none-match", answer.header("etag"))]).await;
            assert_eq!((again.status, again.text()), (StatusCode::NOT_MODIFIED, ""), "{path}");
        }
    }
    let numbers = proxy.numbers("web", "s1", 24).await;
    assert_eq!((numbers.requests, numbers.failed), (24, 0));
}

#[tokio::test]
async fn tags_differ_by_release_and_path() {
    let folder = site();
    let proxy = proxy_of(folder.path()).await;
    let first = proxy.get("a", "/app.js").await.header("etag").to_owned();
    assert_ne!(first, proxy.get("a", "/blob").await.header("etag"));
    proxy.publish(one_service(pool(vec![file_backend("s2", &folder.path().join("site"))]))).await;
    let answer = get_with(&proxy, "/app.js", &[("if-none-match", &first)]).await;
    assert_eq!(answer.status, StatusCode::OK, "another release is asked for anew");
}

#[tokio::test]
async fn head_has_the_length_and_no_body_and_other_methods_are_refused() {
    let folder = site();
    let proxy = proxy_of(folder.path()).await;
    for (path, bytes) in [("/app.js", 5), ("/large.bin", LARGE_BYTES)] {
        let answer = ask(proxy.address(), Request::head(path).header("host", "a")).await;
        assert_eq!((answer.status, answer.body.len()), (StatusCode::OK, 0));
        assert_eq!(answer.header("content-length"), bytes.to_string());
    }
    let answer = ask_with(proxy.address(), Request::post("/app.js").header("host", "a"), "x").await;
    assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD"));
    assert_eq!(proxy.numbers("web", "s1", 3).await.failed, 0);
}

#[tokio::test]
async fn ranges_are_parts_of_small_and_large_files() {
    let folder = site();
    let proxy = proxy_of(folder.path()).await;
    let part = get_with(&proxy, "/docs/a%20b.txt", &[("range", "bytes=2-4")]).await;
    assert_eq!((part.status, part.text()), (StatusCode::PARTIAL_CONTENT, "234"));
    assert_eq!((part.header("content-range"), part.header("content-length")), ("bytes 2-4/10", "3"));
    let outside = get_with(&proxy, "/docs/a%20b.txt", &[("range", "bytes=10-")]).await;
    assert_eq!(outside.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(outside.header("content-range"), "bytes */10");
    let changed = get_with(&proxy, "/docs/a%20b.txt", &[("range", "bytes=2-4"), ("if-range", "\"other\"")]).await;
    assert_eq!(changed.status, StatusCode::OK);
    let whole = proxy.get("a", "/large.bin").await;
    assert!(whole.body == large(), "all of the large file");
    let tail = get_with(&proxy, "/large.bin", &[("range", "bytes=-200000")]).await;
    assert_eq!(tail.status, StatusCode::PARTIAL_CONTENT);
    assert!(tail.body == large()[LARGE_BYTES - 200_000..], "the end of the large file");
}

#[tokio::test]
async fn nothing_outside_of_the_folder_is_reached() {
    let folder = site();
    let proxy = proxy_of(folder.path()).await;
    for path in [
        "/../secret",
        "/%2e%2e/secret",
        "/docs/../../secret",
        "/docs/%2e%2e%2f%2e%2e%2fsecret",
        "/..%2fsecret",
        "/out",
        "/absolute",
        "//etc/hostname",
        "/%2fetc/hostname",
        "/docs/%00",
        "/nothing",
        "/app.js/",
        "/docs/deep/",
    ] {
        let answer = proxy.get("a", path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn folders_redirect_to_their_final_slash_and_a_page_says_what_is_missing() {
    let folder = site();
    fs::write(folder.path().join("site/404.html"), "lost").expect("a file");
    let proxy = proxy_of(folder.path()).await;
    let redirect = proxy.get("a", "/docs?q=1").await;
    assert_eq!((redirect.status, redirect.header("location")), (StatusCode::PERMANENT_REDIRECT, "/docs/?q=1"));
    let redirect = proxy.get("a", "//docs").await;
    assert_eq!(redirect.header("location"), "/docs/", "never another host");
    let missing = proxy.get("a", "/nothing").await;
    assert_eq!((missing.status, missing.text()), (StatusCode::NOT_FOUND, "lost"));
    assert_eq!(missing.header("content-type"), "text/html; charset=utf-8");
}

#[tokio::test]
async fn a_site_below_a_path_is_asked_for_without_it() {
    let folder = site();
    let proxy = Proxy::start().await;
    let mut table = one_service(pool(vec![file_backend("s1", &folder.path().join("site"))]));
    table.routes = vec![route("a", "/manual", true, "web")];
    proxy.publish(table).await;
    assert_eq!(proxy.get("a", "/manual/").await.text(), "<h1>home</h1>");
    assert_eq!(proxy.get("a", "/manual/app.js").await.text(), "let a");
    assert_eq!(proxy.get("a", "/manual").await.header("location"), "/manual/");
    assert_eq!(proxy.get("a", "/manual/docs").await.header("location"), "/manual/docs/");
}

#[tokio::test]
async fn a_release_without_its_folder_cannot_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let proxy = proxy_of(folder.path()).await;
    assert_eq!(proxy.get("a", "/").await.status, StatusCode::SERVICE_UNAVAILABLE);
    fs::create_dir(folder.path().join("site")).expect("a folder");
    fs::write(folder.path().join("site/index.html"), "back").expect("a file");
    proxy.publish(one_service(pool(vec![file_backend("s1", &folder.path().join("site"))]))).await;
    assert_eq!(proxy.get("a", "/").await.text(), "back");
}
