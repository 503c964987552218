//! The states that are saved, as files: who is compared with the store saves the same.

use std::path::Path;

use checkpoint_benches::state::{Noise, Turns, change, conversation, small};
use serde::Serialize;

pub(crate) fn write(dir: &Path) -> Result<(), String> {
    let mut noise = Noise::new(1);
    let states: Vec<_> = (0..256).map(|_| small(&mut noise)).collect();
    put(dir, "small.json", &states)?;
    for (name, length, count) in [("64-kib.json", 64 << 10, 40), ("1-mib.json", 1 << 20, 10)] {
        let mut noise = Noise::new(5);
        let states: Vec<_> = (0..count)
            .map(|_| conversation(&mut noise, length))
            .collect();
        put(dir, name, &states)?;
    }
    let mut noise = Noise::new(5);
    let mut state = conversation(&mut noise, 1 << 20);
    let changed: Vec<_> = (0..20)
        .map(|_| {
            change(&mut state, &mut noise);
            state.clone()
        })
        .collect();
    put(dir, "changed.json", &changed)?;
    for turns in Turns::ALL {
        let messages: Vec<_> = turns.messages().collect();
        put(dir, &format!("{}.json", turns.name()), &messages)?;
    }
    Ok(())
}

fn put(dir: &Path, name: &str, states: &impl Serialize) -> Result<(), String> {
    let path = dir.join(name);
    let cannot = |why: String| format!("cannot write {}: {why}", path.display());
    let bytes = serde_json::to_vec(states).map_err(|error| cannot(error.to_string()))?;
    std::fs::write(&path, bytes).map_err(|error| cannot(error.to_string()))
}
