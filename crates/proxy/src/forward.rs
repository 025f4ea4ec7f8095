//! One request: who answers it, what happens when they can't, and its answer.
//!
//! Not here: the choice (`core_state`), header lines (`headers`), files (`files`).

use std::{future::Future, net::IpAddr, net::Ipv4Addr, rc::Rc, time::Instant};

use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use hyper::{body::Incoming, client::conn::TrySendError, upgrade::OnUpgrade};
use tokio::time::{sleep_until, timeout_at};

use crate::{
    account::Account,
    answers,
    arrival::Arrival,
    body::{AnswerBody, RequestBody},
    connections::{Flight, Sender},
    core_state::{Choice, Core},
    files, headers,
    limits::{RESPONSE_HEAD_MS_MAX, RETRIES_MAX, ms},
    numbers::Numbers,
    table::{HeldPlace, Hold},
    upgrade,
    upstream::UpstreamKey,
};

/// Where a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// The loopback address that was dialled, on the port for links.
    pub(crate) link: Option<Ipv4Addr>,
}

/// Answers a request.
pub(crate) async fn answer(core: Rc<Core>, peer: Peer, request: Request<Incoming>) -> Response<AnswerBody> {
    let arrival = match Arrival::read(&request, peer.link) {
        Ok(arrival) => arrival,
        Err(fault) => return answers::text(StatusCode::BAD_REQUEST, format!("{fault}\n")),
    };
    if request.method() == Method::CONNECT {
        return answers::text(StatusCode::METHOD_NOT_ALLOWED, "This is not a forward proxy.\n".into());
    }
    let account = Account::open(core.clone());
    let exchange = Exchange { core, peer, arrival, account, refused_by: Vec::new(), fresh_only: false, place: None };
    exchange.run(Parcel::new(request)).await
}

/// A request on its way.
struct Exchange {
    core: Rc<Core>,
    peer: Peer,
    arrival: Arrival,
    account: Account,
    /// Upstreams that could not be connected to, one entry per attempt.
    refused_by: Vec<UpstreamKey>,
    /// A kept connection broke: the next attempt opens one.
    fresh_only: bool,
    place: Option<HeldPlace>,
}

/// What is sent; it comes back whole as long as none of it was.
struct Parcel {
    request: Request<RequestBody>,
    upgrade: Option<OnUpgrade>,
    is_prepared: bool,
}

/// How an attempt ended.
enum Attempt {
    Answered(Response<AnswerBody>),
    Again(Parcel),
}

/// Why no answer came.
enum NoAnswer {
    /// Nothing was sent: here it is back.
    Unsent(Box<Request<RequestBody>>),
    /// The connection ended before an answer began.
    Cut(hyper::Error),
    /// It took too long.
    TimedOut,
}

impl Parcel {
    fn new(request: Request<Incoming>) -> Self {
        Self { request: request.map(RequestBody::new), upgrade: None, is_prepared: false }
    }

    /// RFC 9110, 9.2.2: what may be sent twice without harm. A body is gone once it was read.
    fn may_repeat(&self) -> bool {
        self.request.method().is_idempotent() && self.request.body().is_empty() && self.upgrade.is_none()
    }

    fn prepare(&mut self, arrival: &Arrival, client: IpAddr) {
        if std::mem::replace(&mut self.is_prepared, true) {
            return;
        }
        let protocol = headers::wanted_upgrade(self.request.headers());
        if protocol.is_some() {
            self.upgrade = Some(hyper::upgrade::on(&mut self.request));
        }
        let has_body = !self.request.body().is_empty();
        headers::to_upstream(self.request.headers_mut(), arrival.host.as_ref(), client, protocol, has_body);
        *self.request.version_mut() = Version::HTTP_11;
    }

    /// The same request again, for one that has no body.
    fn copy_of_head(&self) -> Request<RequestBody> {
        let mut copy = Request::new(RequestBody::empty());
        *copy.method_mut() = self.request.method().clone();
        *copy.uri_mut() = self.request.uri().clone();
        *copy.headers_mut() = self.request.headers().clone();
        copy
    }

    fn head(&self) -> (&Method, &HeaderMap) {
        (self.request.method(), self.request.headers())
    }
}

impl Exchange {
    async fn run(mut self, mut parcel: Parcel) -> Response<AnswerBody> {
        loop {
            match self.core.choose(&self.arrival, &self.refused_by) {
                Choice::NoRoute => return answers::no_route(&self.arrival),
                Choice::Nobody { pool, numbers } => {
                    let reason = format!("Nothing answers for {pool} at the moment.\n");
                    return self.fail(numbers, StatusCode::SERVICE_UNAVAILABLE, reason);
                }
                Choice::Held { hold, numbers } => {
                    if let Err(answer) = self.wait(&hold, numbers).await {
                        return answer;
                    }
                }
                Choice::Files { root, numbers, strip_bytes } => {
                    self.account.at(numbers);
                    let question = files::Question { root, arrival: &self.arrival, strip_bytes };
                    let answer = files::answer(&self.core, question, parcel.head(), self.account).await;
                    return with_cookie(answer, &self.arrival);
                }
                Choice::Upstream { flight, numbers, strip_bytes } => {
                    self.account.at(numbers);
                    match self.attempt(parcel, flight, strip_bytes).await {
                        Ok((answer, sender, flight, upgrade)) => {
                            return self.deliver(answer, sender, flight, upgrade);
                        }
                        Err(Attempt::Answered(answer)) => return answer,
                        Err(Attempt::Again(back)) => parcel = back,
                    }
                }
            }
        }
    }

    fn fail(&mut self, numbers: Rc<Numbers>, status: StatusCode, reason: String) -> Response<AnswerBody> {
        self.account.at(numbers);
        self.failed(status, reason)
    }

    fn failed(&mut self, status: StatusCode, reason: String) -> Response<AnswerBody> {
        self.account.failed();
        answers::text(status, reason)
    }

    /// Waits until another table is followed.
    async fn wait(&mut self, hold: &Hold, numbers: Rc<Numbers>) -> Result<(), Response<AnswerBody>> {
        let changed = self.core.changed.notified();
        self.account.at(numbers.clone());
        if self.place.is_none() {
            self.place = hold.enter();
        }
        let deadline = self.account.started() + ms(hold.span_ms_max);
        let reason = match self.place {
            None => "Too many requests wait for this service.\n",
            Some(_) if timeout_at(deadline.into(), changed).await.is_err() => {
                "The service took too long to come back.\n"
            }
            Some(_) => return Ok(()),
        };
        self.account.failed();
        Err(answers::text(StatusCode::SERVICE_UNAVAILABLE, reason.into()))
    }

    async fn attempt(
        &mut self,
        mut parcel: Parcel,
        flight: Flight,
        strip_bytes: usize,
    ) -> Result<(Response<Incoming>, Sender, Flight, Option<OnUpgrade>), Attempt> {
        // What waited no longer takes a place.
        self.place = None;
        parcel.prepare(&self.arrival, self.peer.address);
        *parcel.request.uri_mut() = self.arrival.path_and_query_without(strip_bytes).into();
        let may_repeat = parcel.may_repeat();
        let kept = if self.fresh_only { None } else { flight.upstream().take_idle(may_repeat) };
        let was_kept = kept.is_some();
        let mut sender = match kept {
            Some(sender) => sender,
            None => match flight.upstream().connect().await {
                Ok(sender) => sender,
                Err(error) => return Err(self.again(parcel, &flight, &format!("can't be connected to: {error}"))),
            },
        };
        let copy = (was_kept && may_repeat).then(|| parcel.copy_of_head());
        let upload = parcel.request.body().upload();
        let upload_last = || upload.as_ref().map(|upload| upload.last.get());
        match head_of_answer(sender.try_send_request(parcel.request), upload_last).await {
            Ok(answer) => Ok((answer, sender, flight, parcel.upgrade)),
            Err(NoAnswer::Unsent(request)) => {
                let parcel = Parcel { request: *request, ..Parcel::prepared(parcel.upgrade) };
                self.fresh_only = true;
                if was_kept { Err(Attempt::Again(parcel)) } else { Err(self.again(parcel, &flight, "closed at once")) }
            }
            Err(NoAnswer::TimedOut) => {
                let reason = "The service took too long to answer.\n".into();
                Err(Attempt::Answered(self.failed(StatusCode::GATEWAY_TIMEOUT, reason)))
            }
            Err(NoAnswer::Cut(_)) if upload.is_some_and(|upload| upload.broke.get()) => {
                let reason = "The request's body broke off.\n".into();
                Err(Attempt::Answered(answers::text(StatusCode::BAD_REQUEST, reason)))
            }
            Err(NoAnswer::Cut(error)) => Err(self.cut(copy, &flight, &error)),
        }
    }

    /// The connection ended before an answer began: a kept one may simply have been too old.
    fn cut(&mut self, copy: Option<Request<RequestBody>>, flight: &Flight, error: &hyper::Error) -> Attempt {
        if let Some(request) = copy {
            self.fresh_only = true;
            return Attempt::Again(Parcel { request, ..Parcel::prepared(None) });
        }
        let state = &flight.upstream().state;
        tracing::debug!(instance = %state.instance, address = %state.address, %error, "no answer");
        Attempt::Answered(self.failed(StatusCode::BAD_GATEWAY, "The service broke off before it answered.\n".into()))
    }

    /// Nothing was sent: another upstream may take it, as often as `RETRIES_MAX`.
    fn again(&mut self, parcel: Parcel, flight: &Flight, what: &str) -> Attempt {
        let state = &flight.upstream().state;
        tracing::debug!(instance = %state.instance, address = %state.address, what, "upstream refused");
        self.refused_by.push(state.key());
        if self.refused_by.len() <= RETRIES_MAX {
            return Attempt::Again(parcel);
        }
        Attempt::Answered(self.failed(StatusCode::BAD_GATEWAY, "The service can't be reached.\n".into()))
    }

    fn deliver(
        mut self,
        mut answer: Response<Incoming>,
        sender: Sender,
        flight: Flight,
        client_upgrade: Option<OnUpgrade>,
    ) -> Response<AnswerBody> {
        let status = answer.status();
        self.account.answered(status);
        let upstream_upgrade = (status == StatusCode::SWITCHING_PROTOCOLS).then(|| hyper::upgrade::on(&mut answer));
        headers::to_client(answer.headers_mut(), status);
        *answer.version_mut() = Version::HTTP_11;
        let (head, body) = answer.into_parts();
        let body = match (upstream_upgrade, client_upgrade) {
            (Some(upstream), Some(client)) => {
                upgrade::relay(self.core, client, upstream, flight, self.account);
                AnswerBody::own("")
            }
            (Some(_), None) => {
                let reason = "The service switched protocols without being asked.\n".into();
                return self.failed(StatusCode::BAD_GATEWAY, reason);
            }
            (None, _) => AnswerBody::upstream(body, sender, flight, self.account),
        };
        with_cookie(Response::from_parts(head, body), &self.arrival)
    }
}

impl Parcel {
    fn prepared(upgrade: Option<OnUpgrade>) -> Self {
        Self { request: Request::new(RequestBody::empty()), upgrade, is_prepared: true }
    }
}

fn with_cookie(mut answer: Response<AnswerBody>, arrival: &Arrival) -> Response<AnswerBody> {
    if let Some(cookie) = arrival.new_cookie() {
        answer.headers_mut().append(http::header::SET_COOKIE, cookie);
    }
    answer
}

/// Waits for the head of an answer. The time runs from the last sign of the request's body.
async fn head_of_answer(
    answering: impl Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody>>>>,
    upload_last: impl Fn() -> Option<Instant>,
) -> Result<Response<Incoming>, NoAnswer> {
    let mut answering = std::pin::pin!(answering);
    let mut deadline = Instant::now() + ms(RESPONSE_HEAD_MS_MAX);
    loop {
        tokio::select! {
            biased;
            answer = &mut answering => return answer.map_err(|mut lost| match lost.take_message() {
                Some(request) => NoAnswer::Unsent(Box::new(request)),
                None => NoAnswer::Cut(lost.into_error()),
            }),
            () = sleep_until(deadline.into()) => match upload_last().map(|last| last + ms(RESPONSE_HEAD_MS_MAX)) {
                Some(later) if later > deadline => deadline = later,
                _ => return Err(NoAnswer::TimedOut),
            },
        }
    }
}
