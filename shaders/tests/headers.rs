//! Checks the headers of `.wgsl` files: a kernel's is its contract, and a choice's says what the choice supplies.

use orthrus_shaders::Kernel;

#[test]
fn every_kernel_opens_with_its_contract() {
    for kernel in Kernel::all() {
        let wgsl = kernel.wgsl();
        let body = wgsl.lines().skip_while(|line| !line.starts_with("// ---- "));
        let header: Vec<&str> = body.skip(1).take_while(|line| line.starts_with("//")).collect();
        let opening = format!("// {}: ", kernel.name());
        assert!(
            header.first().is_some_and(|line| line.starts_with(&opening)),
            "{kernel:?} does not open with its name"
        );
        assert!(header.iter().any(|line| line.contains("Grid: ")), "{kernel:?} does not say its grid");
    }
}

/// The names in backquotes and the words `(choice X)` or `(lib/X)` after a header's `label`.
fn named_after(header: &str, label: &str) -> Vec<(String, Option<String>)> {
    let Some((_, text)) = header.split_once(label) else { return Vec::new() };
    let end = ["Calls: ", "Supplies: ", "Constants: ", "Grid: ", "\n\n"]
        .iter()
        .filter_map(|end| text.find(end))
        .min();
    let text = &text[..end.unwrap_or(text.len())];
    let mut named = Vec::new();
    let mut waiting = Vec::new();
    for (i, part) in text.split('`').enumerate() {
        match part.split_once('(').and_then(|(_, rest)| rest.split_once(')')) {
            _ if i % 2 == 1 => waiting.push(part.to_string()),
            Some((source, _)) => {
                let source = source.split_whitespace().collect::<Vec<_>>().join(" ");
                named.extend(waiting.drain(..).map(|name| (name, Some(source.clone()))));
            }
            None => {}
        }
    }
    named.extend(waiting.into_iter().map(|name| (name, None)));
    named
}

/// The comment with which a file opens, without its slashes.
fn header(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with("//"));
    lines.map(|line| line.trim_start_matches('/').trim()).collect::<Vec<_>>().join("\n")
}

/// Whether the file declares the function, constant or alias `name`.
fn declares(text: &str, name: &str) -> bool {
    [format!("fn {name}("), format!("const {name}:"), format!("alias {name} "), format!("struct {name} ")]
        .iter()
        .any(|declaration| text.lines().any(|line| line.starts_with(declaration.as_str())))
}

/// The files of a kernel by name, as its WGSL has them.
fn files_of(wgsl: &str) -> Vec<(&str, &str)> {
    wgsl.split("// ---- ").skip(1).filter_map(|file| file.split_once(".wgsl\n")).collect()
}

/// `lib/matmul/split_k/many` is option `many` of choice `split_k`. `lib/random` belongs to no choice.
fn choice_and_option(file: &str) -> Option<(&str, &str)> {
    let (folder, option) = file.rsplit_once('/')?;
    let choice = folder.strip_prefix("lib/")?.rsplit('/').next()?;
    let shared = matches!(folder, "lib/attention" | "lib/fill_random" | "lib/matmul_coop");
    (!shared).then_some((choice, option))
}

#[test]
fn headers_say_who_supplies_what() {
    let mut called = 0;
    for kernel in Kernel::all() {
        let wgsl = kernel.wgsl();
        let files = files_of(&wgsl);
        for (file, text) in &files {
            let header = header(text);
            for (name, source) in named_after(&header, "Calls: ") {
                let source = source.unwrap_or_else(|| panic!("{file}: nobody supplies `{name}`"));
                let suppliers = files.iter().filter(|(_, text)| declares(text, &name)).map(|(file, _)| *file);
                let agrees = |supplier: &str| match source.strip_prefix("choice ") {
                    Some(choice) => choice_and_option(supplier).is_some_and(|(known, _)| known == choice),
                    None => supplier.starts_with(source.as_str()),
                };
                let suppliers: Vec<&str> = suppliers.collect();
                assert!(
                    suppliers.iter().any(|supplier| agrees(supplier)),
                    "{kernel:?}: {file} says that {source} supplies `{name}`, but {suppliers:?} do"
                );
                called += 1;
            }
            for (name, _) in named_after(&header, "Supplies: ") {
                assert!(declares(text, &name), "{file} says that it supplies `{name}`");
            }
            let Some((choice, option)) = choice_and_option(file) else { continue };
            assert!(
                header.starts_with(&format!("Choice {choice} = {option}: ")) && header.contains("Supplies: ")
                    || header.starts_with(&format!("Part of choice {choice}: ")),
                "{file} does not open with its choice"
            );
        }
    }
    assert!(called > 500, "{called} calls: the headers were not read");
}

/// Functions of a choice that a kernel's own file calls are in its header.
#[test]
fn kernels_name_the_choices_they_call() {
    for kernel in Kernel::all() {
        let wgsl = kernel.wgsl();
        let files = files_of(&wgsl);
        let (file, own) = files[0];
        let listed = named_after(&header(own), "Calls: ");
        for (supplier, text) in files.iter().filter(|(file, _)| choice_and_option(file).is_some()) {
            for line in text.lines().filter_map(|line| line.strip_prefix("fn ")) {
                let name = line.split('(').next().unwrap();
                let code = own.lines().filter(|line| !line.starts_with("//"));
                let calls = code
                    .flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'))
                    .any(|word| word == name);
                assert!(
                    !calls || declares(own, name) || listed.iter().any(|(listed, _)| listed == name),
                    "{file} calls `{name}` of {supplier}, and its header does not say so"
                );
            }
        }
    }
}
