// Checks the types, bundles the extension, and packs it with its agent into a .vsix, which is a zip with a manifest.
//   node package.mjs --agent PROGRAM --out FILE.vsix [--stable]
// --stable leaves out all use of VS Code's proposed API, as the Marketplace asks. Packages first: npm ci --ignore-scripts
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
function fail(what) {
  console.error(`package.mjs: ${what}`);
  process.exit(2);
}
if (!existsSync(join(here, 'node_modules/.package-lock.json'))) fail('the npm packages are not there; run ./dev setup');
const { build } = await import('esbuild');
const { ZipFile } = await import('yazl');

const { values } = parseArgs({
  options: { agent: { type: 'string' }, out: { type: 'string' }, stable: { type: 'boolean', default: false } },
});
if (!values.agent || !values.out) fail('needs --agent PROGRAM and --out FILE.vsix');
if (!existsSync(values.agent)) fail(`there is no ${values.agent}; build it: cmake --build --preset dev --target strop-agent`);
const agent = resolve(values.agent);

function checkTypes() {
  execFileSync(process.execPath, [join(here, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', here], {
    stdio: ['ignore', 2, 2],
  });
}

async function bundled() {
  const result = await build({
    entryPoints: [join(here, 'src/extension.ts')],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['vscode'],
    define: { STROP_PROPOSED_API: String(!values.stable) },
    minify: true,
    write: false,
    logLevel: 'warning',
  });
  return result.outputFiles[0].contents;
}

// Without symbols: 3 MB instead of 40.
function stripped() {
  const folder = mkdtempSync(join(tmpdir(), 'strop-vsix-'));
  try {
    execFileSync('strip', ['-o', join(folder, 'agent'), agent], { stdio: ['ignore', 2, 2] });
    return readFileSync(join(folder, 'agent'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const extension = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
const program = /project\(strop VERSION ([0-9.]+)/.exec(readFileSync(join(here, '../../CMakeLists.txt'), 'utf8'))?.[1];
if (extension.version !== program) fail(`package.json has version ${extension.version}, the program ${program}`);
delete extension.scripts;
delete extension.devDependencies;
delete extension.private;
if (values.stable) delete extension.enabledApiProposals;

const inXml = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const target = ` TargetPlatform="${process.platform}-${process.arch}"`;
const manifest = `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="${extension.name}" Version="${extension.version}" Publisher="${extension.publisher}"${target}/>
    <DisplayName>${inXml(extension.displayName)}</DisplayName>
    <Description xml:space="preserve">${inXml(extension.description)}</Description>
    <Tags>${inXml(extension.keywords.join(','))}</Tags>
    <Categories>${inXml(extension.categories.join(','))}</Categories>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value="${inXml(extension.engines.vscode)}"/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionKind" Value="${extension.extensionKind.join(',')}"/>
    </Properties>
    <License>extension/LICENSE.txt</License>
  </Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
  <Dependencies/>
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.Details" Path="extension/README.md" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.License" Path="extension/LICENSE.txt" Addressable="true"/>
  </Assets>
</PackageManifest>
`;
const types = `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension="json" ContentType="application/json"/><Default Extension="js" ContentType="application/javascript"/>
  <Default Extension="md" ContentType="text/markdown"/><Default Extension="txt" ContentType="text/plain"/>
  <Default Extension="vsixmanifest" ContentType="text/xml"/><Default Extension="" ContentType="application/octet-stream"/>
</Types>
`;

checkTypes();
const zip = new ZipFile();
// The same input gives the same bytes.
const mtime = new Date('2020-01-01T00:00:00Z');
const add = (bytes, name, mode = 0o100644) => zip.addBuffer(Buffer.from(bytes), name, { mtime, mode });
add(manifest, 'extension.vsixmanifest');
add(types, '[Content_Types].xml');
add(`${JSON.stringify(extension, null, 2)}\n`, 'extension/package.json');
add(await bundled(), 'extension/dist/extension.js');
add(readFileSync(join(here, 'README.md')), 'extension/README.md');
add(readFileSync(join(here, '../../LICENSE')), 'extension/LICENSE.txt');
add(stripped(), 'extension/bin/strop-agent', 0o100755);
zip.end();
mkdirSync(dirname(resolve(values.out)), { recursive: true });
writeFileSync(values.out, await buffer(zip.outputStream));
