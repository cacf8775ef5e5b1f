//! gix takes its steps against the gate. It has no push.
use std::path::Path;
use std::sync::atomic::AtomicBool;

fn report(step: &str, act: impl FnOnce() -> Result<(), Box<dyn std::error::Error>>) {
    let mut words = String::new();
    if let Err(error) = act() {
        let mut at: Option<&dyn std::error::Error> = Some(error.as_ref());
        while let Some(each) = at {
            words += &format!("{each} ");
            at = each.source();
        }
    }
    println!("{{\"step\":{step:?},\"ok\":{},\"words\":{words:?}}}", words.is_empty());
}

fn clone(url: &str, folder: &Path) -> Result<gix::Repository, Box<dyn std::error::Error>> {
    let stop = AtomicBool::new(false);
    let (repository, _) = gix::prepare_clone_bare(url, folder)?.fetch_only(gix::progress::Discard, &stop)?;
    Ok(repository)
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let [_, folder, url, unknown, wrong, _] = &args[..] else { panic!("arguments") };
    let at = |name: &str| Path::new(folder).join(name);
    report("clone", || clone(url, &at("one")).map(|_| ()));
    report("fetch", || {
        let stop = AtomicBool::new(false);
        let repository = gix::open(at("one"))?;
        let remote = repository.find_remote("origin")?;
        remote
            .connect(gix::remote::Direction::Fetch)?
            .prepare_fetch(gix::progress::Discard, Default::default())?
            .receive(gix::progress::Discard, &stop)?;
        Ok(())
    });
    report("unknown", || clone(unknown, &at("unknown")).map(|_| ()));
    report("wrong token", || clone(wrong, &at("wrong")).map(|_| ()));
}
