//! Checks: tests before promotion, verification after it.

use std::net::SocketAddr;

use shipway_core::{
    deployment::{CheckRecord, Deployment},
    event::{EventBody, EventKind, EventStatus},
    id::{InstanceId, ReleaseId},
    phase::Phase,
    plan::CheckThrough,
    ports::{Answer, CommandContext, Fault, Life, Question},
    release::Release,
    route::{host_in, link_address},
    spec::{Ask, CheckPhase, CheckSpec, InteractionSpec},
};

use super::{
    failure::{Broken, broken},
    instances::{context_of, not_asked},
    mover::Mover,
    say,
};
use crate::Engine;

const RETRY_MS: u64 = 250;

/// Whom to ask, worked out.
struct Whom {
    words: String,
    address: SocketAddr,
    host: Option<String>,
    prefix: String,
    instance: Option<InstanceId>,
}

pub(super) async fn check(
    mover: &Mover<'_>,
    phase: Phase,
    release: &ReleaseId,
    through: &CheckThrough,
) -> Result<(), Broken> {
    let engine = mover.engine;
    let release = engine.release(release).await?;
    let whom = whom(engine, &release, through).await?;
    let wanted = if *through == CheckThrough::Route { CheckPhase::Verify } else { CheckPhase::Test };
    for check in release.serve.checks.iter().filter(|check| check.phase == wanted) {
        ask_one(mover, phase, &release, check, &whom).await?;
    }
    Ok(())
}

/// Asks how services work together, on the way that the calling release's own requests go.
pub(super) async fn interact(
    mover: &Mover<'_>,
    phase: Phase,
    release: &ReleaseId,
    interaction: &InteractionSpec,
) -> Result<(), Broken> {
    let release = mover.engine.release(release).await?;
    let to = interaction.to.as_ref().unwrap_or(&interaction.from);
    let ip = link_address(&release.id, to);
    let address = SocketAddr::from((ip, mover.engine.ports.router.link_port()));
    let words = format!("{} -> {to}", interaction.from);
    let whom = Whom { words, address, host: None, prefix: String::new(), instance: None };
    let InteractionSpec { name, ask, retries, .. } = interaction.clone();
    let check = CheckSpec { name, phase: interaction.phase, ask, retries };
    follow(mover.engine).await?;
    ask_one(mover, phase, &release, &check, &whom).await
}

/// Waits until the data plane follows what is stored: what was proven a moment ago may not be routed yet.
async fn follow(engine: &Engine) -> Result<(), Fault> {
    let (generation, _) = engine.ports.store.snapshot(&[]).await?;
    engine.publisher.follow(&*engine.ports.clock, generation).await
}

async fn ask_one(
    mover: &Mover<'_>,
    phase: Phase,
    release: &Release,
    check: &CheckSpec,
    whom: &Whom,
) -> Result<(), Broken> {
    let answer = ask_with_retries(mover.engine, release, check, whom).await;
    record(mover, phase, release, check, whom, &answer).await?;
    if answer.passed { Ok(()) } else { Err(failed(mover.engine, check, whom, answer).await) }
}

async fn whom(engine: &Engine, release: &Release, through: &CheckThrough) -> Result<Whom, Broken> {
    if let CheckThrough::Instance { instance } = through {
        return match engine.ports.driver.observe(instance).await? {
            Life::Running { address, .. } => Ok(Whom {
                words: instance.to_string(),
                address,
                host: None,
                prefix: String::new(),
                instance: Some(instance.clone()),
            }),
            _ => Err(broken(engine, instance, "it ended before it was tested").await),
        };
    }
    let route = release.serve.routes.first().filter(|_| *through == CheckThrough::Route);
    Ok(match route {
        Some(route) => {
            let host = host_in(route, &release.slot);
            let prefix = if route.strip_prefix { route.path.trim_end_matches('/').to_owned() } else { String::new() };
            Whom {
                words: format!("http://{host}{}", route.path),
                address: engine.ports.router.address(),
                host: Some(host),
                prefix,
                instance: None,
            }
        }
        None => {
            let ip = link_address(&release.id, &release.slot.service);
            let address = SocketAddr::from((ip, engine.ports.router.link_port()));
            Whom { words: format!("its link {address}"), address, host: None, prefix: String::new(), instance: None }
        }
    })
}

async fn ask_with_retries(engine: &Engine, release: &Release, check: &CheckSpec, whom: &Whom) -> Answer {
    let until = engine.ports.clock.now().plus_ms(release.serve.timeouts.check_s * 1000);
    let mut retries = 0;
    loop {
        let left_ms = until.since_ms(engine.ports.clock.now()).max(1);
        let answer = match question(engine, release, check, whom, left_ms).await {
            Ok(question) => engine.ports.prober.ask(question).await,
            Err(fault) => not_asked(&fault),
        };
        if answer.passed || retries >= check.retries || engine.ports.clock.now() >= until {
            return answer;
        }
        retries += 1;
        engine.ports.clock.sleep_ms(RETRY_MS).await;
    }
}

async fn question(
    engine: &Engine,
    release: &Release,
    check: &CheckSpec,
    whom: &Whom,
    timeout_ms: u64,
) -> Result<Question, Fault> {
    let http = check.ask.http.as_ref().map(|path| format!("{}{path}", whom.prefix));
    let nobody = InstanceId::new("check");
    let instance = whom.instance.as_ref().unwrap_or(&nobody);
    let address = whom.instance.is_some().then_some(whom.address);
    let context = context_of(engine, release, instance, address, &check.ask).await?;
    let mut variables = context.variables;
    variables.insert("SHIPWAY_CHECK_URL".into(), format!("http://{}{}", whom.address, whom.prefix));
    variables.extend(whom.host.iter().map(|host| ("SHIPWAY_CHECK_HOST".to_owned(), host.clone())));
    Ok(Question {
        ask: Ask { http, ..check.ask.clone() },
        address: whom.address,
        host: whom.host.clone(),
        timeout_ms,
        context: CommandContext { variables, ..context },
    })
}

async fn record(
    mover: &Mover<'_>,
    phase: Phase,
    release: &Release,
    check: &CheckSpec,
    whom: &Whom,
    answer: &Answer,
) -> Result<(), Broken> {
    let record = CheckRecord {
        at: mover.engine.ports.clock.now(),
        phase,
        service: release.slot.service.clone(),
        name: check.name.clone(),
        through: whom.words.clone(),
        passed: answer.passed,
        expected: answer.expected.clone(),
        got: answer.got.clone(),
        took_ms: answer.took_ms,
    };
    let (kind, status) = match answer.passed {
        true => (EventKind::ValidationPassed, EventStatus::Ok),
        false => (EventKind::ValidationFailed, EventStatus::Failed),
    };
    let message = format!("{}: {} at {}: {}", record.service, record.name, record.through, record.got);
    let noted = |deployment: &mut Deployment| {
        let services = vec![record.service.clone()];
        deployment.checks.push(record);
        vec![EventBody { services, ..say(deployment, kind, status, message) }]
    };
    mover.active.update(mover.engine, noted).await?;
    Ok(())
}

async fn failed(engine: &Engine, check: &CheckSpec, whom: &Whom, answer: Answer) -> Broken {
    let message = format!(
        "check `{}` at {} did not pass: expected {}, got {}",
        check.name, whom.words, answer.expected, answer.got
    );
    let broken = match &whom.instance {
        Some(instance) => broken(engine, instance, &message).await,
        None => Broken::release(message),
    };
    Broken { check: Some(check.name.clone()), answer: Some(answer), ..broken }
}
