//! `orthrus adapters`: the adapters of this machine.

use indicatif::BinaryBytes;
use orthrus::{AdapterReport, Gpu, GpuOptions};
use serde::Serialize;

use crate::args::AdaptersArgs;
use crate::error::Result;
use crate::output::{note, show, show_json};

/// Lists the adapters of this machine.
pub(crate) fn run(args: &AdaptersArgs) -> Result<()> {
    let reports = orthrus::adapters_blocking();
    // Only opening the default GPU shows which adapter that is.
    let default = match Gpu::open(&GpuOptions::default()) {
        Ok(gpu) => Some(gpu.adapter().index),
        Err(error) => {
            note(format!("warning: no adapter is used by default: {error}"));
            None
        }
    };
    let adapters: Vec<Adapter<'_>> = reports.iter().map(|report| Adapter::of(report, default)).collect();
    if args.json {
        return show_json(&adapters, true);
    }
    for adapter in &adapters {
        show(&adapter.text())?;
    }
    if !adapters.is_empty() {
        note("use --adapter with a number or a part of a name to choose one");
    }
    Ok(())
}

#[derive(Serialize, Debug)]
struct Adapter<'a> {
    number: usize,
    name: &'a str,
    /// Whether it is used unless the user chooses another.
    default: bool,
    backend: &'a str,
    kind: &'a str,
    driver: &'a str,
    tiers: Vec<TierReport<'a>>,
    /// In bytes.
    largest_binding: u64,
    /// In bytes.
    largest_buffer: u64,
    /// In bytes.
    workgroup_memory: u32,
    /// The smallest and the largest size. `None`: the adapter has no subgroups.
    subgroup_sizes: Option<(u32, u32)>,
    /// The reason why no tier runs on it. `None`: some tier does.
    unsuitable: Option<&'a str>,
}

#[derive(Serialize, Debug)]
struct TierReport<'a> {
    name: &'static str,
    /// The feature or limit that the adapter lacks for this tier. `None`: the tier runs.
    missing: Option<&'a str>,
}

impl Adapter<'_> {
    fn of(report: &AdapterReport, default: Option<usize>) -> Adapter<'_> {
        Adapter {
            number: report.index,
            name: &report.name,
            default: default == Some(report.index),
            backend: &report.backend,
            kind: report.kind.name(),
            driver: &report.driver,
            tiers: report
                .tiers
                .iter()
                .map(|(tier, missing)| TierReport { name: tier.name(), missing: missing.as_deref() })
                .collect(),
            largest_binding: report.max_binding,
            largest_buffer: report.max_buffer,
            workgroup_memory: report.workgroup_memory,
            subgroup_sizes: report.subgroup_sizes,
            unsuitable: report.unsuitable.as_deref(),
        }
    }

    fn text(&self) -> String {
        let default = if self.default { " (used by default)" } else { "" };
        let mut text = format!("{}  {}{default}\n", self.number, self.name);
        let mut line = |name: &str, value: String| text += &format!("   {name:<18}{value}\n");
        line("backend", self.backend.to_string());
        line("kind", self.kind.to_string());
        line("driver", self.driver.to_string());
        for tier in &self.tiers {
            let state = tier.missing.map_or("yes".to_string(), |missing| format!("no: {missing}"));
            line(&format!("tier {}", tier.name), state);
        }
        line("largest binding", BinaryBytes(self.largest_binding).to_string());
        line("largest buffer", BinaryBytes(self.largest_buffer).to_string());
        line("workgroup memory", BinaryBytes(u64::from(self.workgroup_memory)).to_string());
        let sizes = match self.subgroup_sizes {
            None => "none".to_string(),
            Some((least, most)) if least == most => least.to_string(),
            Some((least, most)) => format!("{least} to {most}"),
        };
        line("subgroup size", sizes);
        if let Some(reason) = self.unsuitable {
            line("unsuitable", reason.to_string());
        }
        text
    }
}
