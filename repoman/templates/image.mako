<%inherit file="repoman:templates/base.mako"/>
<%namespace name="part" file="repoman:templates/parts.mako"/>
<%namespace name="details" file="repoman:templates/image_details.mako"/>
<%namespace name="files_shown" file="repoman:templates/image_files.mako"/>
<%namespace name="sharing" file="repoman:templates/image_sharing.mako"/>
<%namespace name="transfers" file="repoman:templates/transfer.mako"/>
<%namespace name="fate" file="repoman:templates/image_fate.mako"/>
<%block name="title">${image["name"]}</%block>
<%block name="scripts"><%namespace name="transfers" file="repoman:templates/transfer.mako"/>${transfers.script()}</%block>
<div class="heading">
<h1><a class="dim" href="${page.at("/images" if own else "/images?view=all&owner=" + image["owner_user_name"])}">${image["owner_user_name"]}</a><span class="dim">/</span>${image["name"]}</h1>
<p class="badges">
<span class="badge ${image["state"]}">${page.formats.state(image["state"])}</span>
% if image["read_only"]:
<span class="badge">read-only</span>
% endif
% if image["expires"]:
<span class="badge ${"expired" if image["expired"] else ""}">${"expired" if image["expired"] else "expires"} ${part.age(image["expires"])}</span>
% endif
% for word in audience:
<span class="badge ${"wide" if word == "everybody" else ""}">${word}</span>
% endfor
</p>
</div>
% if image["state"] == "damaged":
<p class="refusal">A file of this image does not read as it was stored. Upload the same file again, and it is whole; or go back to an earlier version.</p>
% endif
% if thing.deleted is not None:
${fate.trashed()}
% endif
<div class="columns">
<div>
${details.details()}
% if thing.deleted is None:
${files_shown.file_boxes()}
${transfers.uploading()}
${files_shown.commands()}
% endif
${files_shown.earlier()}
</div>
<div>
% if thing.deleted is None:
% if page.may("image:manage", thing):
${sharing.sharing()}
% endif
${fate.fate()}
% endif
</div>
</div>
