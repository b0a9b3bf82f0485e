/** Certificates as they are met at cameras, made by the system's openssl. */
export interface Certificates extends Disposable {
  /** PEM of an authority of one's own. */
  ca: string;
  /** PEM files of certificate and key: signed by the authority, for 127.0.0.1 and for another name; and by itself. */
  signed: string;
  misnamed: string;
  selfSigned: string;
  /** SHA-256 of a PEM file's certificate, with colons. */
  fingerprint(path: string): string;
}

/** Whether the system has the program. */
export const HAS_OPENSSL: boolean = (() => {
  try {
    return new Deno.Command("openssl", { args: ["version"], stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
})();
if (!HAS_OPENSSL) console.log("Skipping what needs certificates: openssl is missing");

function openssl(...args: string[]): string {
  const { success, stdout, stderr } = new Deno.Command("openssl", { args, stdout: "piped", stderr: "piped" })
    .outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Makes them in a folder of their own, which goes with them. */
export function makeCertificates(): Certificates {
  const folder = Deno.makeTempDirSync();
  const at = (name: string) => `${folder}/${name}.pem`;
  openssl(
    "req",
    "-x509",
    ...KEY,
    "-keyout",
    at("ca-key"),
    "-out",
    at("ca"),
    "-days",
    "2",
    "-subj",
    "/CN=Our authority",
  );
  const make = (name: string, alternative: string, signer: string[]) => {
    const extensions = ["-addext", `subjectAltName=${alternative}`, "-addext", "basicConstraints=critical,CA:FALSE"];
    const files = ["-keyout", at(`${name}-key`), "-out", at(`${name}-only`)];
    openssl("req", "-x509", ...signer, ...KEY, ...files, "-days", "2", "-subj", "/CN=camera", ...extensions);
    Deno.writeTextFileSync(
      at(name),
      Deno.readTextFileSync(at(`${name}-only`)) + Deno.readTextFileSync(at(`${name}-key`)),
    );
    return at(name);
  };
  const byAuthority = ["-CA", at("ca"), "-CAkey", at("ca-key")];
  return {
    ca: Deno.readTextFileSync(at("ca")),
    signed: make("signed", "IP:127.0.0.1", byAuthority),
    misnamed: make("misnamed", "DNS:camera.example", byAuthority),
    selfSigned: make("self-signed", "DNS:camera.example", []),
    fingerprint: (path) => openssl("x509", "-in", path, "-noout", "-fingerprint", "-sha256").trim().split("=")[1],
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}
