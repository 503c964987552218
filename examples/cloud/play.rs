//! Starts workers, ends one, and looks at what became of the jobs.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use checkpoint::Status;
use checkpoint::blocking::{self, Wait};

use crate::Failure;
use crate::job::Job;

pub(crate) fn run(url: &str) -> Result<(), Failure> {
    // A job of each run of its own, so that the store may be used again.
    let job = |name| format!("{name}-{}", std::process::id());
    let shown = url.split('?').next().unwrap_or(url);
    println!("Ann and Bob each claim a job in {shown}. Bob is going to be killed.\n");
    let jobs = [job("north"), job("south")];
    let mut bob = start("Bob", &jobs[1], "goes on", url, Stdio::piped())?;
    let ann = start("Ann", &jobs[0], "goes on", url, Stdio::inherit())?;
    tell_until(&mut bob, "step 4 of")?;
    // On Unix this is SIGKILL: nothing is tidied up, nobody is told.
    bob.kill()?;
    bob.wait()?;
    println!("(Bob is killed)");
    ends_well(ann)?;
    check(url, &jobs)?;

    println!("\nOnce more; this time Bob's machine sleeps, and wakes when his job is done.\n");
    let jobs = [job("east"), job("west")];
    let mut bob = start("Bob", &jobs[1], "stalls", url, Stdio::piped())?;
    let ann = start("Ann", &jobs[0], "goes on", url, Stdio::inherit())?;
    tell_until(&mut bob, "step 4 of")?;
    println!("(Bob's machine sleeps)");
    ends_well(ann)?;
    println!("(Bob's machine wakes)");
    let mut input = bob.stdin.take().ok_or("a worker has no input")?;
    input.write_all(b"\n")?;
    tell_until(&mut bob, "I leave it to them")?;
    ends_well(bob)?;
    check(url, &jobs)
}

/// This program once more, as a worker.
fn start(name: &str, job: &str, how: &str, url: &str, output: Stdio) -> Result<Child, Failure> {
    let mut worker = Command::new(std::env::current_exe()?);
    worker.args(["worker", name, job, how, url]);
    Ok(worker.stdin(Stdio::piped()).stdout(output).spawn()?)
}

fn ends_well(mut worker: Child) -> Result<(), Failure> {
    match worker.wait()?.success() {
        true => Ok(()),
        false => Err("a worker failed".into()),
    }
}

/// Passes on what a worker says, until it has said something.
fn tell_until(worker: &mut Child, said: &str) -> Result<(), Failure> {
    let output = worker.stdout.as_mut().ok_or("a worker has no output")?;
    let mut output = BufReader::new(output);
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        print!("{line}");
        if line.contains(said) {
            return Ok(());
        }
        line.clear();
    }
    Err("a worker ended too early".into())
}

/// Each job is finished, and as it would be if nobody had been disturbed.
fn check(url: &str, jobs: &[String]) -> Result<(), Failure> {
    let store = blocking::open(url)?;
    for id in jobs {
        let session = store.session(id.as_str()).existing().wait()?;
        let newest = session.latest().wait()?.ok_or("a job was never begun")?;
        let job: Job = newest.state().wait()?;
        if newest.status() != Status::Completed || job != Job::uninterrupted(id) {
            return Err(format!("{id} is not as it should be: {job:?}").into());
        }
        println!("{id} is done, each step once");
    }
    Ok(store.close().wait()?)
}
