<%inherit file="repoman:templates/base.mako"/>
<%namespace name="part" file="repoman:templates/parts.mako"/>
<%block name="title">Storage</%block>
<h1>Storage</h1>
% for reason in storage["reasons"].values():
<p class="refusal">The store does not answer: ${reason}</p>
% endfor
<dl class="figures">
<div><dt>Stored files</dt><dd>${part.size(storage["files"])} in ${page.formats.plural(storage["files_count"], "file")}</dd></div>
<div><dt>Free</dt><dd>${part.size(storage["free"])} of ${part.size(storage["size"])}\
% if storage["size"]:
<br>${part.bar(storage["size"] - storage["free"], storage["size"], "The store’s filesystem in use")}\
% endif
</dd></div>
<div><dt>Trash alone</dt><dd>${part.size(storage["trash"]["size"])}: ${page.formats.plural(storage["trash"]["images"], "image")}, ${page.formats.plural(storage["trash"]["versions"], "version")}<br>
<a href="${page.at("/images?view=all&state=deleted")}">Images in the trash</a></dd></div>
<div><dt>Checked by scrub</dt><dd>\
% if storage["scrub"]["checked"]:
${page.formats.plural(storage["scrub"]["checked"], "file")}, the first of them ${part.age(storage["scrub"]["oldest_check"])}\
% else:
No file\
% endif
% if storage["scrub"]["unchecked"]:
; ${page.formats.plural(storage["scrub"]["unchecked"], "file")} not yet\
% endif
% if storage["scrub"]["damaged"]:
<br><a class="badge damaged" href="${page.at("/images?view=all&state=damaged")}">${storage["scrub"]["damaged"]} damaged</a>\
% else:
% if storage["scrub"]["checked"]:
<br><span class="badge active">none damaged</span>\
% endif
% endif
</dd></div>
</dl>

<section aria-labelledby="history">
<h2 id="history">Over time</h2>
% if all(plots.values()):
<div class="plots">
% for name, one in plots.items():
<figure class="plot">
<figcaption>${name}</figcaption>
<span class="top-edge dim">${page.formats.gib(one.top)}</span>
<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" role="img" aria-label="${name}: from ${page.formats.gib(storage["history"][0]["files" if name == "Stored files" else "free"])} at ${page.formats.utc(one.first)} to ${page.formats.gib(storage["history"][-1]["files" if name == "Stored files" else "free"])} at ${page.formats.utc(one.last)}">
<path class="area" d="${one.area}"/><path class="line" d="${one.line}"/>
</svg>
<span class="bottom-edge dim">0</span>
<span class="left-edge dim">${part.when(storage["history"][0]["taken"])}</span>
<span class="right-edge dim">${part.when(storage["history"][-1]["taken"])}</span>
</figure>
% endfor
</div>
<details>
<summary>The figures</summary>
<table>
<thead><tr><th scope="col">Taken</th><th scope="col" class="number">Stored files</th><th scope="col" class="number">Free</th></tr></thead>
<tbody>
% for sample in reversed(storage["history"]):
<tr><th scope="row">${part.when(sample["taken"])}</th><td class="number">${part.size(sample["files"])}</td><td class="number">${part.size(sample["free"])}</td></tr>
% endfor
</tbody>
</table>
</details>
% else:
<p class="dim">Each run of <code>repoman-admin gc</code> takes a sample; two are needed for a plot.</p>
% endif
</section>

<div class="thirds">
${consumers("By user", "by-user", by_user, "user", "user_name")}
${consumers("By group", "by-group", by_group, "group", "name")}
<section aria-labelledby="by-format">
<h2 id="by-format">By format</h2>
<table class="bars">
<thead><tr><th scope="col">Format</th><th scope="col" class="number">Files</th><th scope="col" class="number">Size</th></tr></thead>
<tbody>
% for one, share in by_format:
<tr><th scope="row">${one["format"] or "not looked at"}${f" in {one['compression']}" if one["compression"] else ""}${bar(share)}</th><td class="number">${one["files"]}</td><td class="number">${part.size(one["size"])}</td></tr>
% endfor
</tbody>
</table>
</section>
</div>

<div class="halves">
${images("Largest images", "largest", storage["largest"])}
${images("Oldest images", "oldest", storage["oldest"])}
</div>

<section aria-labelledby="uploads">
<h2 id="uploads">Unfinished uploads</h2>
% if storage["uploads"]:
<table class="list">
<thead><tr><th scope="col">Image</th><th scope="col">From</th><th scope="col">By</th><th scope="col" class="number">Arrived</th><th scope="col">Begun</th><th scope="col">Kept until</th></tr></thead>
<tbody>
% for one in storage["uploads"]:
<tr>
<th scope="row"><a href="${page.of(one["image"])}">${page.path_of(one["image"]).removeprefix("/images/")}</a> <span class="dim">${one["hypervisor"]}</span></th>
<td data-label="From">${one["user_name"]}</td>
<td data-label="By">${one["protocol"]}</td>
<td data-label="Arrived" class="number">${part.size(one["offset"])} of ${part.size(one["length"])}</td>
<td data-label="Begun">${part.age(one["created"])}</td>
<td data-label="Kept until">${part.when(one["expires"])}</td>
</tr>
% endfor
</tbody>
</table>
% else:
<p class="dim">None.</p>
% endif
</section>

<%def name="bar(share)">
<svg class="share" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true"><rect width="${f"{share:.2f}"}" height="1"/></svg>
</%def>

<%def name="consumers(label, key, rows, url, name)">
<section aria-labelledby="${key}">
<h2 id="${key}">${label}</h2>
<table class="bars">
<thead><tr><th scope="col">Name</th><th scope="col" class="number">In use</th><th scope="col" class="number">Quota</th></tr></thead>
<tbody>
% for one, share in rows:
<tr><th scope="row"><a href="${page.of(one[url])}">${one[name]}</a>${bar(share)}</th><td class="number">${part.size(one["usage"])}</td><td class="number">${part.size(one["quota"])}</td></tr>
% endfor
</tbody>
</table>
</section>
</%def>

<%def name="images(label, key, rows)">
<section aria-labelledby="${key}">
<h2 id="${key}">${label}</h2>
% if rows:
<table class="bars">
<thead><tr><th scope="col">Image</th><th scope="col">Uploaded</th><th scope="col" class="number">Size</th></tr></thead>
<tbody>
% for one in rows:
<tr><th scope="row"><a href="${page.of(one["image"])}">${one["owner_user_name"]}/${one["name"]}</a></th><td>${part.age(one["uploaded"])}</td><td class="number">${part.size(one["size"])}</td></tr>
% endfor
</tbody>
</table>
% else:
<p class="dim">None.</p>
% endif
</section>
</%def>
