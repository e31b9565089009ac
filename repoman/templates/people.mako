<%namespace name="part" file="repoman:templates/parts.mako"/>
<%! from urllib.parse import urlencode %>

## What the pages of people and groups share.

<%def name="search_form(query, label, words, **kept)">
<form class="filters" method="get" role="search" aria-label="${label}">
% for name, value in kept.items():
% if value:
<input type="hidden" name="${name}" value="${value}">
% endif
% endfor
<div class="field grow"><label for="q">${words}</label>
<input type="search" id="q" name="q" value="${query.q}" maxlength="100"></div>
<button>Search</button>
% if query.q:
<a href="?${urlencode({name: value for name, value in kept.items() if value})}">Clear</a>
% endif
</form>
</%def>

<%def name="pages(query, following, **kept)">
% if following or query.after:
<nav class="pages" aria-label="Pages">
% if query.after:
<a class="button" href="?${urlencode({name: value for name, value in (kept | {"q": query.q}).items() if value})}">First page</a>
% endif
% if following:
<a class="button" href="${following}" rel="next">Next page</a>
% endif
</nav>
% endif
</%def>

## Where a quota is set; what is typed is exact, where it was set in whole units.
<%def name="quota_form(path, quota)">
<details${' open' if page.reason("quota") else ''}>
<summary>Set the quota</summary>
<%part:form path="${path}" name="quota" method="PATCH" done="The quota is set." classes="adding">
${quota_field("quota", quota)}
<button class="primary">Set<span class="unseen"> the quota</span></button>
</%part:form>
</details>
</%def>

<%def name="quota_field(form, quota=None)">
${part.field(form, "quota", "Quota", page.formats.typed_size(quota), hint="Such as 500G or 2T; empty: the server's default.", size=12, maxlength=22, autocomplete="off")}
</%def>

## Either a file or names: the API takes the one or the other.
<%def name="certificate_fields(form, require_issuer)">
<fieldset class="field">
<legend>Certificate, as a file or by its distinguished name</legend>
% if page.typed(form, "certificate") and not page.is_wrong(form, "certificate"):
${part.text(form, "certificate", "The certificate of your file", rows=6, hint="Empty this field to take another, or none.", spellcheck="false")}
% else:
${file_field(form)}
% endif
<div class="row">
${part.field(form, "cert_dn", "Distinguished name", hint="Such as /C=CA/O=Grid/CN=Ann Lee. People read it on this server's front page.", autocomplete="off")}
${part.field(form, "issuer_dn", "Issuer", hint="This server wants it." if require_issuer else "Empty: whoever issued it.", autocomplete="off")}
</div>
</fieldset>
</%def>

<%def name="file_field(form)">
<div class="field">
<label for="${form}-certificate">File</label>
<input type="file" id="${form}-certificate" name="certificate" accept=".pem,.crt,.cer,.cert,.txt"${part.described(form, "certificate", "file")}>
<small id="${form}-certificate-hint" class="dim">PEM, without the private key. Its expiry is known then.</small>
</div>
</%def>
