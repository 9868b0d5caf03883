//! Programs that are text: the kernel runs what their first line names.

use crate::workloads::failure::Outcome;
use crate::workloads::kit::{self, Birth};
use crate::workloads::scene::Scene;

/// An interpreter with one argument, which stays one however many words it has.
pub fn script(scene: &Scene) -> Outcome {
    let (interpreter, path) = write(scene, "script", "prog", " one argument")?;
    let script = scene
        .program("script", &["further", "arguments"])?
        .known("interpreter", interpreter)
        .known("script", path);
    kit::run(Birth::Fork, &script)?.finish(1)
}

/// The interpreter is itself a script, whose interpreter is a script: the last one runs.
pub fn nested(scene: &Scene) -> Outcome {
    let (interpreter, _) = write(scene, "inner", "prog", " inner argument")?;
    write(scene, "middle", "inner", "")?;
    let (_, path) = write(scene, "outer", "middle", " outer argument")?;
    let script = scene
        .program("outer", &["further"])?
        .known("interpreter", interpreter)
        .known("script", path);
    kit::run(Birth::Fork, &script)?.finish(2)
}

/// First lines that are not neat. The kernel reads 256 bytes and cuts an argument there, but not an interpreter.
pub fn lines(scene: &Scene) -> Outcome {
    let interpreter = scene.path("prog").to_string_lossy().into_owned();
    let long = "x".repeat(400);
    let texts = [
        format!("#!{interpreter}"),
        format!("#! \t{interpreter} \t \n"),
        format!("#!{interpreter}\t a  b \t\nrest"),
        format!("#!{interpreter} {long}\n"),
        "#!./prog relative\n".to_owned(),
    ];
    for (code, text) in (1..).zip(texts) {
        let name = format!("line{code}");
        let path = scene.file(&name, text.as_bytes(), 0o755)?;
        let named = if code == 5 { "./prog" } else { &interpreter };
        let script = scene
            .program(&name, &["further"])?
            .known("interpreter", named)
            .known("script", path.to_string_lossy());
        kit::run(Birth::Fork, &script)?.finish(code)?;
    }
    Ok(())
}

/// Writes a script of this name; returns the paths of its interpreter and of itself.
fn write(scene: &Scene, name: &str, interpreter: &str, rest: &str) -> Outcome<(String, String)> {
    let interpreter = scene.path(interpreter).to_string_lossy().into_owned();
    let path = scene.file(
        name,
        format!("#!{interpreter}{rest}\nnever read\n").as_bytes(),
        0o755,
    )?;
    Ok((interpreter, path.to_string_lossy().into_owned()))
}
