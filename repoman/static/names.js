// Names of images: what the API takes (repoman/names.py), made of names of files.

const LONGEST = 256;
const ENDINGS = /\.(qcow2?|img|raw|vmdk|vdi|vhdx?|qed|iso|dd|ova|gz|xz|zst|bz2)$/i;
const RESERVED = new Set(["raw", "restore"]);
const UUID = /^([0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;

// Propose one: "Débian 12 (new).qcow2.xz" is "Debian-12-new".
export function nameOf(fileName) {
  let name = fileName;
  while (ENDINGS.test(name)) name = name.replace(ENDINGS, "");
  name = name.normalize("NFKD").replace(/\p{M}/gu, "").replace(/[^A-Za-z0-9_.-]+/g, "-");
  name = name.replace(/^[^A-Za-z0-9]+/, "").slice(0, LONGEST).replace(/-+$/, "");
  if (RESERVED.has(name.toLowerCase()) || UUID.test(name)) return `image-${name}`;
  return name || "image";
}
