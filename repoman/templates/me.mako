<%inherit file="repoman:templates/base.mako"/>
<%namespace name="part" file="repoman:templates/parts.mako"/>
<%namespace name="use" file="repoman:templates/use.mako"/>
<%block name="title">${user["full_name"] or user["user_name"]}</%block>
<h1>${user["full_name"] or user["user_name"]}</h1>
% if validity:
<p class="warning">Your certificate ends ${part.age(end_entity_not_after)}: ${part.when(end_entity_not_after)}. Get a new one under the same
distinguished name, and nothing changes here. Under another name, ask an administrator to register it besides, before this one ends.</p>
% endif
<div class="columns">
<div>
<section aria-labelledby="certificate">
<h2 id="certificate">Certificate</h2>
<p class="dim">As this server sees it.</p>
<dl class="wide">
<div><dt>Distinguished name</dt><dd><code>${shown.dn}</code></dd></div>
% if shown.proxy_depth:
<div><dt>Proxy</dt><dd>of depth ${shown.proxy_depth}${", limited: it may not administer" if shown.limited else ""}</dd></div>
<div><dt>Made for</dt><dd><code>${shown.end_entity}</code></dd></div>
% endif
<div><dt>Issuer</dt><dd><code>${shown.issuer or "–"}</code></dd></div>
<div><dt>Valid until</dt><dd>${part.when(not_after)}, ${part.age(not_after)}\
% if shown.proxy_depth:
; the certificate behind it until ${part.when(end_entity_not_after)}\
% endif
</dd></div>
</dl>
</section>
<section aria-labelledby="use">
<h2 id="use">Room</h2>
${use.use(usage, "Your room in use")}
</section>
% if uploads:
<section aria-labelledby="uploads">
<h2 id="uploads">Unfinished uploads</h2>
${use.uploads(uploads, page.path)}
</section>
% endif
</div>
<div>
<section aria-labelledby="record">
<h2 id="record">About you</h2>
% if page.may("user:modify", thing):
<details class="edit"${' open' if page.reason("self") else ''}>
<summary class="button">Edit</summary>
<%part:form path="${page.path_of(user['url'])}" name="self" method="PATCH" then="/me" done="Your record is changed.">
${part.field("self", "full_name", "Full name", user["full_name"], maxlength=255, autocomplete="name")}
${part.field("self", "email", "E-mail", user["email"], type="email", maxlength=255, autocomplete="email")}
<button class="primary">Save</button>
</%part:form>
</details>
% endif
<dl class="shown">
<div><dt>User name</dt><dd><a href="${page.of(user["url"])}">${user["user_name"]}</a></dd></div>
<div><dt>E-mail</dt><dd>${user["email"] or "–"}</dd></div>
<div><dt>Member since</dt><dd>${part.when(user["created"])}</dd></div>
<div><dt>Groups</dt><dd>\
% for one in groups:
<a href="${page.at("/groups/" + one.name)}">${one.name}</a>${"" if loop.last else ", "}\
% endfor
</dd></div>
</dl>
</section>
<section aria-labelledby="registered">
<h2 id="registered">Registered certificates</h2>
<ul class="names">
% for one in certificates:
<li><code>${one["client_dn"]}</code>\
% if one["issuer_dn"]:
 <span class="dim">issued by <code>${one["issuer_dn"]}</code></span>\
% endif
% if one["not_after"]:
 <span class="dim">valid until ${part.when(one["not_after"])}</span>\
% endif
</li>
% endfor
</ul>
</section>
</div>
</div>
