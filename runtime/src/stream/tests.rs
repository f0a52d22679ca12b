use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::log::Log;
use super::{LogPages, Pages, Slice};
use crate::input::{Page, PageSource};
use crate::{Error, Incremental, Memory, Pipeline, Resource, RunReport};

fn given(pages: Vec<crate::Result<Page>>) -> Pages {
    Box::pin(stream::iter(pages))
}

fn rows(ids: impl IntoIterator<Item = u32>) -> Page {
    Page::json(Json::from_iter(ids.into_iter().map(|id| json!({"id": id}))).to_string())
}

struct Bed {
    folder: tempfile::TempDir,
    memory: Memory,
}

impl Bed {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), memory: Memory::default() }
    }

    fn run(&self, resources: impl IntoIterator<Item = Resource>) -> crate::Result<RunReport> {
        let pipeline = Pipeline::new("p").destination(self.memory.clone()).pipelines_dir(self.folder.path());
        pipeline.run_blocking(resources)
    }

    fn logs(&self) -> usize {
        std::fs::read_dir(self.folder.path().join("p/streams")).map_or(0, Iterator::count)
    }
}

#[test]
fn streams_run_at_the_same_time_and_are_loaded_in_order() {
    let bed = Bed::new();
    let (first, second) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    // each waits for the other, so neither may wait for its turn
    let meeting = |mine: Arc<tokio::sync::Notify>, other: Arc<tokio::sync::Notify>| {
        move |_: Slice| -> Pages {
            let (mine, other) = (mine.clone(), other.clone());
            Box::pin(stream::once(async move {
                mine.notify_one();
                other.notified().await;
                Ok(rows([1]))
            }))
        }
    };
    let a = Resource::new("a").stream(meeting(first.clone(), second.clone()));
    let b = Resource::new("b").stream(meeting(second, first));
    let report = bed.run([a, b]).unwrap();
    assert_eq!((report.rows("a"), report.rows("b")), (1, 1));
    assert_eq!(bed.logs(), 0);
}

#[test]
fn children_see_what_the_cursor_of_the_parent_lets_through() {
    let bed = Bed::new();
    let issues = || {
        let cursor = Incremental::new("id").unwrap().initial_value(3);
        Resource::new("issues").incremental(cursor).stream(|_| given(vec![Ok(rows(1..4)), Ok(rows([4, 2]))]))
    };
    let comments = Resource::new("comments").parent("issues").stream(|slice| {
        Box::pin(slice.parent().unwrap().map(|page| {
            let page: Json = serde_json::from_slice(page?.bytes()).unwrap();
            let ids = page.as_array().unwrap().iter().map(|row| row["id"].as_u64().unwrap() as u32);
            Ok(rows(ids.flat_map(|id| [id * 10, id * 10 + 1])))
        }))
    });
    let report = bed.run([comments.clone(), issues()]).unwrap();
    assert_eq!((report.rows("issues"), report.rows("comments")), (2, 4));
    let again = bed.run([issues().selected(false), comments.clone()]).unwrap();
    assert_eq!((again.rows("issues"), again.rows("comments")), (0, 0));
    let anew = Bed::new().run([issues().selected(false), comments]).unwrap();
    assert_eq!((anew.rows("issues"), anew.rows("comments")), (0, 4));
}

#[test]
fn errors_name_the_resource_and_the_page() {
    let bed = Bed::new();
    let failing = |pages: fn() -> Vec<crate::Result<Page>>| {
        bed.run([Resource::new("r").stream(move |_| given(pages()))]).unwrap_err()
    };
    let error = failing(|| vec![Ok(rows([1])), Err(Error::config("the server said no"))]);
    assert_eq!(error.message(), "the server said no");
    assert_eq!(error.place().file.as_deref(), Some("r, page 2"));
    let error = failing(|| vec![Ok(Page::json("[1,\n 2"))]);
    assert_eq!(error.place().file.as_deref(), Some("r, page 1"));
    assert_eq!(error.place().line, Some(2));
    let error = failing(|| panic!("boom {}", 1 + 1));
    assert_eq!(error.message(), "the stream of r panicked: boom 2");
    assert_eq!(bed.logs(), 0);
}

#[test]
fn parents_have_to_be_there() {
    let bed = Bed::new();
    let child = |name: &str, parent: &str| Resource::new(name).parent(parent).stream(|_| given(vec![]));
    let text = |resources: Vec<Resource>| bed.run(resources).unwrap_err().to_string();
    let missing = text(vec![child("b", "a")]);
    assert!(missing.contains("resource b needs the items of a, which is not among"), "{missing}");
    let circle = text(vec![child("a", "b"), child("b", "a")]);
    assert!(circle.contains("needs its own items"), "{circle}");
    let twice = text(vec![Resource::new("a").stream(|_| given(vec![])); 2]);
    assert!(twice.contains("two resources are called a"), "{twice}");
}

#[test]
fn an_interrupted_stream_goes_on_behind_its_checkpoint() {
    let bed = Bed::new();
    let opened = Arc::new(AtomicUsize::new(0));
    let resource = |what: &str, until: u64| {
        let opened = opened.clone();
        Resource::new("r").resumable(what).stream(move |slice| {
            opened.fetch_add(1, Ordering::SeqCst);
            let from = slice.checkpoint().and_then(Json::as_u64).unwrap_or(0);
            let page = move |n: u64| match n {
                n if n == until => Err(Error::config("no more today")),
                n => Ok(rows([n as u32]).checkpoint(n + 1)),
            };
            Box::pin(stream::iter((from..5).map(page)))
        })
    };
    bed.run([resource("x", 3)]).unwrap_err();
    assert_eq!(bed.logs(), 1);
    let report = bed.run([resource("x", 9)]).unwrap();
    assert_eq!((report.rows("r"), opened.load(Ordering::SeqCst)), (5, 2));
    assert_eq!(bed.memory.table("p_dataset", "r").unwrap().rows(), 5);
    // another stream of the same name does not go on
    bed.run([resource("x", 3)]).unwrap_err();
    let from_start = bed.run([resource("y", 4)]).unwrap_err();
    assert_eq!(from_start.place().file.as_deref(), Some("r, page 5"));
    // one that had come to its end is not opened again
    let failing = Resource::new("s").stream(|_| {
        Box::pin(stream::once(async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Err(Error::config("later"))
        }))
    });
    bed.run([resource("x", 9), failing]).unwrap_err();
    let before = opened.load(Ordering::SeqCst);
    assert_eq!(bed.run([resource("x", 9)]).unwrap().rows("r"), 5);
    assert_eq!(opened.load(Ordering::SeqCst), before);
}

#[test]
fn a_stream_that_is_given_up_ends_the_wait() {
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let bed = Bed::new();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let endless = Resource::new("r").stream(|_| Box::pin(stream::pending()));
        let pipeline = Pipeline::new("p").destination(bed.memory.clone()).pipelines_dir(bed.folder.path());
        let run = runtime.spawn(async move { pipeline.run([endless]).await });
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(50)).await });
        drop((run, runtime));
        sender.send(()).unwrap();
    });
    ended.recv_timeout(Duration::from_secs(20)).unwrap();
}

#[test]
fn a_full_page_is_cut_and_small_ones_are_put_together() {
    let bed = Bed::new();
    let large = Resource::new("large").stream(|_| given(vec![Ok(rows(0..50_000))]));
    let small = Resource::new("small").stream(|_| given((0..5_000).map(|id| Ok(rows([id]))).collect()));
    let report = bed.run([large, small]).unwrap();
    assert_eq!((report.rows("large"), report.rows("small")), (50_000, 5_000));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn a_torn_log_gives_what_its_last_checkpoint_covers(
        pages in prop::collection::vec(("[a-z]{0,40}", any::<bool>()), 0..8),
        cut in 0.0..1.0f64,
        flip in any::<Option<prop::sample::Index>>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let request = json!({"stream": "x"});
        let (log, _) = Log::open(path.clone(), "r", &request, true).unwrap();
        let all: Vec<Page> = pages.iter().enumerate().map(|(n, (text, checkpoint))| {
            let page = Page::lines(json!(text).to_string());
            if *checkpoint { page.checkpoint(n) } else { page }
        }).collect();
        for page in &all {
            log.add(page).unwrap();
        }
        drop(log);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.truncate((bytes.len() as f64 * cut) as usize);
        if let Some(flip) = flip.filter(|_| !bytes.is_empty()) {
            let at = flip.index(bytes.len());
            bytes[at] ^= 1;
        }
        std::fs::write(&path, bytes).unwrap();
        let (log, checkpoint) = Log::open(path, "r", &request, true).unwrap();
        log.end(Ok(()));
        let covered = checkpoint.and_then(|n| n.as_u64()).map_or(0, |n| n as usize + 1);
        let mut read = Vec::new();
        let mut reader = LogPages::new(Arc::new(log), None, Arc::default()).unwrap();
        while let Some(page) = reader.next_page(Vec::new()).unwrap() {
            read.extend(page.bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec));
        }
        let expected: Vec<Vec<u8>> = all.iter().take(covered).map(|page| page.bytes.clone()).collect();
        prop_assert_eq!(read, expected);
    }
}
