<%inherit file="repoman:templates/base.mako"/>
<%namespace name="part" file="repoman:templates/parts.mako"/>
<%namespace name="use" file="repoman:templates/use.mako"/>
<%namespace name="transfers" file="repoman:templates/transfer.mako"/>
<%namespace name="cards" file="repoman:templates/upload_card.mako"/>
<%block name="title">Upload</%block>
<%block name="scripts"><%namespace name="transfers" file="repoman:templates/transfer.mako"/>${transfers.script()}</%block>
<h1>Upload</h1>
% if usage["quota"] is not None:
${use.use(usage, "Your room in use")}
% endif
<div id="drop" data-owner="${page.caller.user_name}" hidden>
<div class="drop">
<p><label for="choose">Drop disk images here, or choose them</label></p>
<p><input type="file" id="choose" multiple></p>
</div>
<div class="heading">
<p class="dim">An upload goes on by itself when the connection comes back. If you close the page, choose the same file again: it goes on where it stopped.</p>
<button type="button" class="primary" id="start-all" hidden>Start all</button>
</div>
<ul class="cards" id="cards" aria-label="Files"></ul>
</div>
${transfers.uploading()}
<template id="card">${cards.card()}</template>
% if uploads:
<section aria-labelledby="uploads">
<h2 id="uploads">Unfinished uploads</h2>
<p class="dim">Drop or choose the same file again, above, and its upload goes on where it stopped. This takes JavaScript.</p>
${use.uploads(uploads, page.path)}
</section>
% endif
% if page.may("image:create"):
<details id="plain" open>
<summary>Make an image, and give it its file on its page</summary>
<%part:form path="/images" name="create" done="The image is made. Now give it its file.">
${part.field("create", "name", "Name", required=True, maxlength=256, pattern="[A-Za-z0-9][A-Za-z0-9_.\\-]*", hint="Letters, digits and _ . - , 256 at most")}
${part.text("create", "description", "Description", maxlength=4096)}
<div class="row">
${part.choice("create", "hypervisor", "Hypervisor", [(one, one) for one in hypervisors])}
${part.choice("create", "group", "Group", [("", "none"), *((one, one) for one in groups)], group)}
</div>
<div class="row">
${part.field("create", "os_type", "OS type", hint="such as linux", maxlength=255)}
${part.field("create", "os_variant", "OS variant", hint="such as debian12", maxlength=255)}
${part.field("create", "os_arch", "Architecture", hint="such as x86_64", maxlength=255)}
</div>
<button class="primary">Make the image</button>
</%part:form>
</details>
% endif
