//! Everything the browser gets: wasm and its JavaScript, the stylesheet, fonts, files of public/.
//! A debug site has plain names. A release site is optimised, named by content hash, and compressed beforehand.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    npm,
    tools::{Paths, Profile, Stages, Stamp, copy_tree, files, has, hash, hash_bytes, output, run},
};

const WASM_TARGET: &str = "wasm32-unknown-unknown";
const FONTS: [&str; 2] = ["inter-latin-wght-normal.woff2", "inter-latin-ext-wght-normal.woff2"];
/// Twice: the second round finds what the first laid open, 3.9 kB compressed.
const WASM_OPT: [&str; 8] = [
    "-Oz",
    "-Oz",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-multivalue",
];
/// Beside the programs: under which names the site is served.
const HASHES: &str = "hash.txt";
/// Node brings brotli; a Rust one would be compiled without optimisation here and take a minute.
const BROTLI: &str = "const fs = require('fs'), z = require('zlib');
for (const file of process.argv.slice(1)) {
  const bytes = fs.readFileSync(file);
  const params = { [z.constants.BROTLI_PARAM_QUALITY]: 11, [z.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  z.brotliCompress(bytes, { params }, (error, out) => { if (error) throw error; fs.writeFileSync(file + '.br', out); });
}";
/// Text and code; images and fonts are compressed already.
const COMPRESSIBLE: [&str; 6] = ["wasm", "js", "css", "svg", "json", "txt"];

struct Site<'a> {
    paths: &'a Paths,
    profile: Profile,
    /// Intermediate results, one folder per profile.
    work: PathBuf,
    pkg: PathBuf,
}

/// Builds what changed.
pub fn build(paths: &Paths, profile: Profile, stages: &mut Stages) -> Result<()> {
    npm::install(paths)?;
    let name = if profile == Profile::Release { "release" } else { "debug" };
    let site = Site { paths, profile, work: paths.target.join("xtask").join(name), pkg: paths.site(profile).join("pkg") };
    fs::create_dir_all(&site.work)?;
    fs::create_dir_all(&site.pkg)?;
    let wasm = stages.run("wasm: cargo", || site.cargo())?;
    stages.run("wasm: bindgen", || site.bindgen(&wasm))?;
    stages.run("stylesheet, files", || {
        site.stylesheet()?;
        site.files()
    })?;
    stages.run("file names", || match profile {
        Profile::Debug => site.publish_plain(),
        Profile::Release => site.publish_hashed(),
    })
}

/// Tells programs of one profile the file names of a site of another.
pub fn name_for(paths: &Paths, site: Profile, programs: Profile) -> Result<()> {
    let (from, to) = (paths.bin(site, HASHES), paths.bin(programs, HASHES));
    if from != to {
        fs::copy(from, to)?;
    }
    Ok(())
}

/// Adds the wasm target to the toolchain when it is missing.
pub fn ensure_target(paths: &Paths) -> Result<()> {
    if !has("rustup") {
        return Ok(()); // a distribution's cargo: the build will say what it lacks
    }
    let installed = output(Command::new("rustup").args(["target", "list", "--installed"]).current_dir(&paths.root))?;
    if !installed.lines().any(|line| line == WASM_TARGET) {
        run(Command::new("rustup").args(["target", "add", WASM_TARGET]).current_dir(&paths.root))?;
    }
    Ok(())
}

/// Arguments that select the wasm build: another target folder, so that host and wasm artefacts never evict each other.
pub fn wasm_args(paths: &Paths) -> [String; 4] {
    ["--target".into(), WASM_TARGET.into(), "--target-dir".into(), paths.target.join("front").display().to_string()]
}

impl Site<'_> {
    fn is_release(&self) -> bool {
        self.profile == Profile::Release
    }

    fn stamp(&self, name: &str, hash: u64) -> Stamp {
        Stamp::new(self.work.join(format!("{name}.stamp")), hash)
    }

    fn cargo(&self) -> Result<PathBuf> {
        ensure_target(self.paths)?;
        let profile = if self.is_release() { "wasm-release" } else { "wasm-dev" };
        let mut cargo = self.paths.cargo();
        run(cargo.args(["build", "-p", "frontend", "--lib", "--profile", profile]).args(wasm_args(self.paths)))?;
        Ok(self.paths.target.join("front").join(WASM_TARGET).join(profile).join("frontend.wasm"))
    }

    /// `app.js`, `app.wasm` and, for release, the optimised `app.wasm`, into the work folder.
    fn bindgen(&self, wasm: &Path) -> Result<()> {
        let out = self.work.join("pkg");
        let stamp = self.stamp("bindgen", hash(&[wasm.to_owned()])? ^ hash_bytes(WASM_OPT.concat().as_bytes()));
        if stamp.is_fresh(&out.join("app.wasm")) {
            return Ok(());
        }
        if out.exists() {
            fs::remove_dir_all(&out)?;
        }
        let mut bindgen = Bindgen::new();
        bindgen.input_path(wasm).web(true)?.out_name("app").typescript(false);
        bindgen.remove_name_section(self.is_release()).remove_producers_section(self.is_release());
        bindgen.generate(&out)?;
        // Leptos asks for app.wasm, because LEPTOS_OUTPUT_NAME is set when it is compiled
        fs::rename(out.join("app_bg.wasm"), out.join("app.wasm"))?;
        if self.is_release() {
            fs::copy(out.join("app.wasm"), self.work.join("app.bindgen.wasm"))?;
            let tool = self.paths.node_bin("wasm-opt");
            run(Command::new(tool).args(WASM_OPT).arg(self.work.join("app.bindgen.wasm")).arg("-o").arg(out.join("app.wasm")))?;
        }
        stamp.write()
    }

    fn stylesheet(&self) -> Result<()> {
        let input = self.paths.root.join("style/main.css");
        ensure!(input.exists(), "style/main.css is missing");
        let sources = ["style", "app/src", "package-lock.json"].map(|path| self.paths.root.join(path));
        let (stamp, out) = (self.stamp("css", hash(&sources)?), self.work.join("app.css"));
        if stamp.is_fresh(&out) {
            return Ok(());
        }
        let mut tailwind = Command::new(self.paths.node_bin("tailwindcss"));
        tailwind.current_dir(&self.paths.root).arg("-i").arg(input).arg("-o").arg(&out);
        if self.is_release() {
            tailwind.arg("--minify");
        }
        // its progress goes to stderr even on success
        output(&mut tailwind)?;
        stamp.write()
    }

    fn files(&self) -> Result<()> {
        let site = self.paths.site(self.profile);
        copy_tree(&self.paths.root.join("public"), &site)?;
        let fonts = self.paths.root.join("node_modules/@fontsource-variable/inter/files");
        fs::create_dir_all(site.join("fonts"))?;
        for font in FONTS {
            fs::copy(fonts.join(font), site.join("fonts").join(font))?;
        }
        Ok(())
    }

    fn publish_plain(&self) -> Result<()> {
        copy_tree(&self.work.join("pkg"), &self.pkg)?;
        fs::copy(self.work.join("app.css"), self.pkg.join("app.css"))?;
        // empty: the same server binary also works when told to look for hashed names
        self.write_hashes("")
    }

    /// `app.<hash>.js` and so on, which may be cached for ever; `hash.txt` beside the server tells Leptos the names.
    fn publish_hashed(&self) -> Result<()> {
        let made = self.work.join("pkg");
        let css = self.work.join("app.css");
        let sources = [made.clone(), css.clone(), self.paths.root.join("public")];
        let stamp = self.stamp("publish", hash(&sources)?);
        let hash_file = self.hash_file();
        if stamp.is_fresh(&hash_file) {
            return Ok(());
        }
        // what an earlier build left would be served, and counted
        fs::remove_dir_all(&self.pkg)?;
        fs::create_dir_all(&self.pkg)?;
        copy_tree(&made.join("snippets"), &self.pkg.join("snippets"))?;
        let mut hashes = String::new();
        for (kind, file) in [("js", made.join("app.js")), ("wasm", made.join("app.wasm")), ("css", css.clone())] {
            let bytes = fs::read(&file).with_context(|| format!("{} was not made", file.display()))?;
            let hash = format!("{:016x}", hash_bytes(&bytes));
            fs::write(self.pkg.join(format!("app.{hash}.{kind}")), bytes)?;
            hashes.push_str(&format!("{kind}: {hash}\n"));
        }
        fs::copy(css, self.pkg.join("app.css"))?;
        self.write_hashes(&hashes)?;
        self.compress()?;
        stamp.write()
    }

    fn compress(&self) -> Result<()> {
        let worth = |file: &PathBuf| file.extension().is_some_and(|kind| COMPRESSIBLE.iter().any(|known| kind == *known));
        let files = files(&self.paths.site(self.profile))?.into_iter().filter(worth);
        run(Command::new("node").arg("-e").arg(BROTLI).args(files))
    }

    fn hash_file(&self) -> PathBuf {
        self.paths.bin(self.profile, HASHES)
    }

    fn write_hashes(&self, text: &str) -> Result<()> {
        let file = self.hash_file();
        fs::create_dir_all(file.parent().context("the binary lives in a folder")?)?;
        Ok(fs::write(file, text)?)
    }
}

/// Prints the sizes of a release site and refuses one that is over the limit in `frontend/wasm-size.txt`.
pub fn size(paths: &Paths, stages: &mut Stages) -> Result<()> {
    build(paths, Profile::Release, stages)?;
    let pkg = paths.site(Profile::Release).join("pkg");
    let limit_file = paths.root.join("frontend/wasm-size.txt");
    let limit =
        fs::read_to_string(&limit_file)?.trim().parse::<u64>().context("frontend/wasm-size.txt holds one number of bytes")?;
    let before = fs::metadata(paths.target.join("xtask/release/app.bindgen.wasm"))?.len();
    println!("{:<34} {:>10} {:>10}", "file", "bytes", "brotli");
    println!("{:<34} {before:>10}", "wasm before wasm-opt");
    let mut counted = 0;
    for file in files(&pkg)? {
        let Some(kind) = file.extension().filter(|kind| ["wasm", "js", "css"].iter().any(|known| kind == known)) else {
            continue;
        };
        let compressed = PathBuf::from(format!("{}.br", file.display()));
        let (raw, small) = (fs::metadata(&file)?.len(), fs::metadata(compressed)?.len());
        println!("{:<34} {raw:>10} {small:>10}", file.strip_prefix(&pkg)?.display());
        if kind != "css" {
            counted += small;
        }
    }
    println!("wasm + js: {counted} bytes of brotli, limit {limit}");
    if counted > limit {
        bail!("wasm + js are {} bytes over the limit in frontend/wasm-size.txt", counted - limit);
    }
    Ok(())
}
