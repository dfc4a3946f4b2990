//! Serving a folder on localhost, as a static host would.

use std::fs::File;
use std::path::{Path, PathBuf};

use tiny_http::{Header, Method, Request, Response, Server};

/// The content security policy: only the site's own files, and WebAssembly. `index.html` repeats it for hosts that
/// send no headers.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; \
                      style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Serves `folder` until the process is stopped. Prints the address.
pub(crate) fn serve(folder: &Path, port: &str) -> Result<(), String> {
    if !folder.is_dir() {
        return Err(format!("{}: no such folder", folder.display()));
    }
    let server =
        Server::http(format!("127.0.0.1:{port}")).map_err(|error| format!("port {port}: {error}"))?;
    println!("http://{}/", server.server_addr());
    for request in server.incoming_requests() {
        // An answer fails only if the client has gone.
        let _ = answer(request, folder);
    }
    Ok(())
}

fn answer(request: Request, folder: &Path) -> std::io::Result<()> {
    if !matches!(request.method(), Method::Get | Method::Head) {
        return request.respond(Response::empty(405));
    }
    let url = request.url();
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let Some(file) = file_of(path, folder) else {
        return request.respond(Response::from_string("404 not found\n").with_status_code(404));
    };
    if file.is_dir() {
        // Without the slash, the page's relative addresses would start at the folder's parent.
        let response = Response::empty(301).with_header(header("Location", &format!("{path}/")));
        return request.respond(response);
    }
    let response = Response::from_file(File::open(&file)?)
        // Not chunked: the page shows a download's progress as a share of its length.
        .with_chunked_threshold(usize::MAX)
        .with_header(header("Content-Type", media_type(&file)))
        .with_header(header("Content-Security-Policy", POLICY))
        .with_header(header("X-Content-Type-Options", "nosniff"))
        .with_header(header("Cache-Control", "no-cache"));
    request.respond(response)
}

/// The file or folder that a URL path names. Accepts plain names only, so that nothing outside `folder` is reached.
fn file_of(path: &str, folder: &Path) -> Option<PathBuf> {
    let plain = |name: &str| !name.starts_with('.') && !name.contains(['\\', ':', '%', '\0']);
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    if !names.iter().all(|name| plain(name)) {
        return None;
    }
    let found = names.iter().fold(folder.to_path_buf(), |path, name| path.join(name));
    let found = if found.is_dir() && path.ends_with('/') { found.join("index.html") } else { found };
    found.exists().then_some(found)
}

fn media_type(file: &Path) -> &'static str {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("txt" | "jinja") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn header(name: &str, value: &str) -> Header {
    Header::from_bytes(name, value).unwrap_or_else(|()| unreachable!("{name} is plain text"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::file_of;

    #[test]
    fn nothing_outside_the_folder_is_served() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(file_of("/src/main.rs", folder), Some(folder.join("src/main.rs")));
        assert_eq!(file_of("/src", folder), Some(folder.join("src")));
        for path in
            ["/", "/src/", "/../Cargo.toml", "/%2e%2e/Cargo.toml", "/src\\..\\..\\Cargo.toml", "/.git/config"]
        {
            assert_eq!(file_of(path, folder), None, "{path}");
        }
    }
}
