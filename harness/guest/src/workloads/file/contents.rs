//! Contents: reading and writing.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};

use super::told::{Stat, Told, path_of};
use crate::workloads::failure::{Outcome, Tried};
use crate::workloads::scene::Scene;

/// A new file, written twice, closed, deleted.
pub fn write(scene: &Scene) -> Outcome {
    let path = scene.path("new");
    let mut file = File::create_new(&path).tried("create")?;
    Told::new("file_create", path_of(&file)?)?
        .how("open")
        .stat(Stat::of_file(&file)?)
        .say()?;
    file.write_all(b"hello").tried("write")?;
    Told::new("file_write", path_of(&file)?)?
        .stat(Stat::of_file(&file)?)
        .say()?;
    file.write_all(b" again").tried("write")?;
    let end = Told::new("file_close_write", path_of(&file)?)?.stat(Stat::of_file(&file)?);
    drop(file);
    end.say()?;
    let gone = Stat::of(&path)?.less_links(1);
    fs::remove_file(&path).tried("delete")?;
    Told::new("file_delete", &path)?
        .how("unlink")
        .flags(&["last_link"])
        .stat(gone)
        .say()
}

/// The second change comes within the window of the first, so only its end is told.
pub fn rewrite(scene: &Scene) -> Outcome {
    let path = scene.path("first");
    for (round, content) in [b"clean", b"dirty"].iter().enumerate() {
        let mut file = File::options().write(true).open(&path).tried("open")?;
        file.write_all(*content).tried("write")?;
        if round == 0 {
            Told::new("file_write", &path)?
                .stat(Stat::of_file(&file)?)
                .say()?;
        }
        let end = Told::new("file_close_write", &path)?.stat(Stat::of_file(&file)?);
        drop(file);
        end.say()?;
    }
    // Opened for writing, and left as it was.
    drop(File::options().write(true).open(&path).tried("open")?);
    Ok(())
}

/// Told once, however often.
pub fn read(scene: &Scene) -> Outcome {
    let path = scene.path("first");
    let mut file = File::open(&path).tried("open")?;
    let mut bytes = [0; 2];
    file.read_exact(&mut bytes).tried("read")?;
    Told::new("file_read", path_of(&file)?)?
        .stat(Stat::of_file(&file)?)
        .say()?;
    for _ in 0..3 {
        file.seek(SeekFrom::Start(0)).tried("seek")?;
        file.read_exact(&mut bytes).tried("read")?;
    }
    // The end of the file is nothing read.
    file.seek(SeekFrom::End(0)).tried("seek")?;
    file.read(&mut bytes).tried("read")?;
    Ok(())
}
