//! The burst and the wait in wfaas 1.1.0, on all cores.
//! usage: ancestor burst INSTANCES [heard] | ancestor wait WAITS STEP_MS; prints one line of JSON.
use std::sync::{atomic::{AtomicU64, Ordering}, Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use wfaas::{
    EventSubscriber, StepDefinition, StepExecutor, StepResult, WorkflowContext, WorkflowData, WorkflowDefinition,
    WorkflowEngine, WorkflowEvent, WorkflowId, WorkflowResult,
};

#[derive(Clone, Serialize, Deserialize, Default)]
struct Data {
    url: String,
    step: u64,
    labels: Vec<String>,
}

impl WorkflowData for Data {
    fn workflow_type() -> &'static str {
        "bench"
    }
}

struct Noop;

#[async_trait::async_trait]
impl StepExecutor<Data> for Noop {
    async fn execute(&self, context: &mut WorkflowContext<Data>) -> WorkflowResult<StepResult> {
        context.data.step += 1;
        Ok(StepResult::Success)
    }
}

struct Sleep {
    length: Duration,
    ended: Arc<Mutex<Instant>>,
}

#[async_trait::async_trait]
impl StepExecutor<Data> for Sleep {
    async fn execute(&self, _: &mut WorkflowContext<Data>) -> WorkflowResult<StepResult> {
        tokio::time::sleep(self.length).await;
        *self.ended.lock().unwrap() = Instant::now();
        Ok(StepResult::Success)
    }
}

struct Listener(AtomicU64);

#[async_trait::async_trait]
impl EventSubscriber for Listener {
    async fn on_event(&self, _: &WorkflowEvent) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

fn noop(id: &str) -> StepDefinition<Data> {
    StepDefinition::new(id, id, Arc::new(Noop))
}

fn registration() -> WorkflowDefinition<Data> {
    WorkflowDefinition::new("register_worker", "register_worker")
        .add_step(noop("classify"))
        .add_step(noop("detect_connection").depends_on(&["classify"]))
        .add_step(noop("detect_backend").depends_on(&["detect_connection"]))
        .add_step(noop("discover_metadata").depends_on(&["detect_backend"]))
        .add_step(noop("discover_dp").depends_on(&["detect_backend"]))
        .add_step(noop("create_local").depends_on(&["discover_metadata", "discover_dp"]))
        .add_step(noop("discover_models").depends_on(&["classify"]))
        .add_step(noop("create_external").depends_on(&["discover_models"]))
        .add_step(noop("register").depends_on_any(&["create_local", "create_external"]))
        .add_step(noop("update_policies").depends_on(&["register"]))
        .add_step(noop("activate").depends_on(&["update_policies"]))
}

async fn burst(instances: usize, heard: bool) -> String {
    let engine = Arc::new(WorkflowEngine::<Data>::new());
    if heard {
        engine.event_bus().subscribe(Arc::new(Listener(AtomicU64::new(0)))).await;
    }
    engine.register_workflow(registration()).unwrap();
    let begin = Instant::now();
    let mut ids = Vec::with_capacity(instances);
    for n in 0..instances {
        let data = Data { url: format!("http://w{n}:8000"), step: 0, labels: vec!["a=b".into(); 4] };
        ids.push(engine.start_workflow(WorkflowId::new("register_worker"), data).await.unwrap());
    }
    let waiters: Vec<_> = ids
        .into_iter()
        .map(|id| {
            let engine = engine.clone();
            tokio::spawn(async move { engine.wait_for_completion(id, "bench", Duration::from_secs(300)).await.unwrap() })
        })
        .collect();
    for waiter in waiters {
        waiter.await.unwrap();
    }
    format!("{{\"steps_per_s\": {}}}", 11.0 * instances as f64 / begin.elapsed().as_secs_f64())
}

async fn wait(waits: usize, step_ms: u64) -> String {
    let engine = WorkflowEngine::<Data>::new();
    let ended = Arc::new(Mutex::new(Instant::now()));
    let step = Sleep { length: Duration::from_millis(step_ms), ended: ended.clone() };
    engine
        .register_workflow(WorkflowDefinition::new("sleep", "sleep").add_step(StepDefinition::new("sleep", "sleep", Arc::new(step))))
        .unwrap();
    let mut late_ms = Vec::new();
    for _ in 0..waits {
        let id = engine.start_workflow(WorkflowId::new("sleep"), Data::default()).await.unwrap();
        engine.wait_for_completion(id, "bench", Duration::from_secs(60)).await.unwrap();
        late_ms.push(ended.lock().unwrap().elapsed().as_secs_f64() * 1e3);
    }
    format!("{{\"late_ms\": {late_ms:?}}}")
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let count: usize = arguments[2].parse().unwrap();
    let line = match arguments[1].as_str() {
        "burst" => burst(count, arguments.get(3).is_some()).await,
        _ => wait(count, arguments[3].parse().unwrap()).await,
    };
    println!("{line}");
}
