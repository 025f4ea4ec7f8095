//! Bodies on their way through: streamed, counted, and watched for where they break.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::{
    account::Account,
    client_connection::Answering,
    connections::{Flight, Sender},
    file_body::FileSource,
};

/// Why a body broke.
pub(crate) type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// How a client's upload goes on, for the one who waits for the answer.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) last: Cell<Instant>,
    pub(crate) broke: Cell<bool>,
}

/// A request's body on its way to an upstream.
#[derive(Debug)]
pub(crate) struct RequestBody {
    inner: Option<Incoming>,
    upload: Option<Rc<Upload>>,
}

impl RequestBody {
    /// Without a body there is nothing to watch.
    pub(crate) fn new(inner: Incoming) -> Self {
        if inner.is_end_stream() {
            return Self::empty();
        }
        let upload = Upload { last: Cell::new(Instant::now()), broke: Cell::new(false) };
        Self { inner: Some(inner), upload: Some(Rc::new(upload)) }
    }

    pub(crate) fn empty() -> Self {
        Self { inner: None, upload: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inner.is_none()
    }

    pub(crate) fn upload(&self) -> Option<Rc<Upload>> {
        self.upload.clone()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        let frame = ready!(Pin::new(inner).poll_frame(cx));
        if let Some(upload) = &self.upload {
            upload.last.set(Instant::now());
            upload.broke.set(matches!(frame, Some(Err(_))));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

/// An answer's body on its way to the client.
pub(crate) struct AnswerBody {
    source: Source,
    account: Option<Account>,
    /// Kept until the body is dropped.
    _answering: Option<Answering>,
}

enum Source {
    Memory(Option<Bytes>),
    File(FileSource),
    Upstream(UpstreamSource),
}

impl AnswerBody {
    /// What the proxy says itself.
    pub(crate) fn own(text: impl Into<Bytes>) -> Self {
        Self { source: Source::Memory(Some(text.into())), account: None, _answering: None }
    }

    pub(crate) fn memory(bytes: Bytes, account: Account) -> Self {
        Self { source: Source::Memory(Some(bytes)), account: Some(account), _answering: None }
    }

    pub(crate) fn file(file: FileSource, account: Account) -> Self {
        Self { source: Source::File(file), account: Some(account), _answering: None }
    }

    pub(crate) fn upstream(inner: Incoming, sender: Sender, flight: Flight, account: Account) -> Self {
        let source = UpstreamSource { inner, ended: false, connection: Some((sender, flight)) };
        Self { source: Source::Upstream(source), account: Some(account), _answering: None }
    }

    /// The same, which tells when its last byte has been taken.
    pub(crate) fn until_sent(self, answering: Answering) -> Self {
        Self { _answering: Some(answering), ..self }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let frame = match &mut this.source {
            Source::Memory(bytes) => bytes.take().map(|bytes| Ok(Frame::data(bytes))),
            Source::File(file) => ready!(file.poll_chunk(cx)).map(|chunk| Ok(Frame::data(chunk?))),
            Source::Upstream(upstream) => ready!(upstream.poll_frame(cx)),
        };
        if let Some(account) = &mut this.account {
            match &frame {
                Some(Ok(frame)) => account.sent(frame.data_ref().map_or(0, Bytes::len)),
                Some(Err(_)) => account.failed(),
                None => {}
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Memory(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Source::File(file) => file.left() == 0,
            Source::Upstream(upstream) => upstream.inner.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Memory(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Source::File(file) => SizeHint::with_exact(file.left()),
            Source::Upstream(upstream) => upstream.inner.size_hint(),
        }
    }
}

/// An upstream's body, and the connection that it comes from.
struct UpstreamSource {
    inner: Incoming,
    ended: bool,
    connection: Option<(Sender, Flight)>,
}

impl UpstreamSource {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        self.ended = frame.is_none() || self.inner.is_end_stream();
        if self.ended {
            self.give_back();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
    }

    /// The connection first, then the count: at a count of 0 a drained upstream has no connection in use.
    fn give_back(&mut self) {
        if let Some((sender, flight)) = self.connection.take() {
            flight.upstream().give_back(sender);
        }
    }
}

impl Drop for UpstreamSource {
    fn drop(&mut self) {
        // An answer without a body is never polled. One that is left midway costs its connection.
        if self.ended || self.inner.is_end_stream() {
            self.give_back();
        }
    }
}
