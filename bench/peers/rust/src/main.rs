//! The job of bench/job/README.md on kube-rs: contestant r. One thread, watches of kube-rs, a queue of our own.

mod kinds;
mod run;
mod store;
mod writes;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let of = |name: &str| arguments.iter().position(|each| each == name).and_then(|at| arguments.get(at + 1).cloned());
    let (Some(kubeconfig), Some(namespace)) = (of("--kubeconfig"), of("--namespace")) else {
        eprintln!("usage: bench-r --kubeconfig FILE --namespace NS");
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match runtime.block_on(run::run(&kubeconfig, &namespace)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
