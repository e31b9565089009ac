<%namespace name="part" file="repoman:templates/parts.mako"/>

## What members may do. ``permissions`` are `repoman.pages.group.Conferred`.
<%def name="permissions_of(place, permissions, is_of_admins)">
<section aria-labelledby="allowed">
<h2 id="allowed">What members may do</h2>
% if is_of_admins:
<p>Members of this group are the administrators of this server: they may do everything, whatever is ticked.</p>
% endif
% if page.may("group:change-permissions", thing):
<details class="edit"${' open' if page.reason("permissions") else ''}>
<summary class="button">Edit<span class="unseen"> what members may do</span></summary>
<%part:form path="${place}" name="permissions" method="PATCH" etag="${etag}" done="Members may do what is ticked.">
<p class="dim">What you may not do yourself, you cannot have others do.</p>
${boxes("permissions", [(one.name, one.explained, one.is_held, one.is_open) for one in permissions])}
<button class="primary">Save</button>
</%part:form>
</details>
% endif
<div class="shown">
<% held = [one for one in permissions if one.is_held] %>\
% if held:
<ul class="permissions">
% for one in held:
<li><code>${one.name}</code> ${one.explained}</li>
% endfor
</ul>
% elif not is_of_admins:
<p class="dim">No more than everybody: the group is for sharing.</p>
% endif
</div>
</section>
</%def>

## A box each: its name, what it means, whether it is ticked, and whether that may be changed.
<%def name="boxes(form, options)">
<% chosen = page.typed(form, "permissions", ",".join(name for name, _, is_held, _ in options if is_held)).split(",") %>\
<fieldset class="field">
<legend>Members may</legend>
<input type="hidden" name="permissions" value="">
% for name, words, _, is_open in options:
<div class="field tick">
<input type="checkbox" id="${form}-${name}" name="permissions" value="${name}"${' checked' if name in chosen else ''}${'' if is_open else ' disabled'}>
<label for="${form}-${name}">${words} <code class="dim">${name}</code></label>
</div>
% endfor
</fieldset>
</%def>
