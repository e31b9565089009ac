<%namespace name="part" file="repoman:templates/parts.mako"/>
<%namespace name="people" file="repoman:templates/people.mako"/>

<%def name="certificate_list(place)">
<section aria-labelledby="certificates">
<h2 id="certificates">Certificates</h2>
% if not certificates:
<p class="warning">Without a certificate, nobody gets in under this name.</p>
% endif
% for one in certificates:
<article class="box">
<dl class="wide">
<div><dt>Distinguished name</dt><dd><code>${one["client_dn"]}</code></dd></div>
<div><dt>Issuer</dt><dd>\
% if one["issuer_dn"]:
<code>${one["issuer_dn"]}</code>\
% else:
any that this server trusts\
% endif
</dd></div>
<div><dt>Valid until</dt><dd>\
% if not one["not_after"]:
not known before the first visit\
% else:
${part.when(one["not_after"])}, ${part.age(one["not_after"])}\
% endif
% if one["validity"]:
 <span class="badge ${one["validity"]}">${{"soon": "ends soon", "expired": "expired"}[one["validity"]]}</span>\
% endif
</dd></div>
</dl>
% if page.may("user:modify-fully", thing):
<%part:confirmed label="Remove" classes="danger quiet">
<%part:form path="${place + '/certificates/' + str(one['id'])}" name="${'remove-certificate-' + str(one['id'])}" method="DELETE" then="${page.path}" done="The certificate is no longer registered.">
<p>Whoever shows it is told that it is not registered.\
% if len(certificates) == 1:
 It is the only one: nobody gets in under this name then.\
% endif
</p>
<button class="danger">Remove<span class="unseen"> ${one["client_dn"]}</span></button>
</%part:form>
</%part:confirmed>
% endif
</article>
% endfor
% if page.may("user:add-certificate", account):
<details${' open' if page.reason("certificate") else ''}>
<summary class="button">Add a certificate</summary>
<p class="dim">Besides the others: register the new one before the old one ends. Under the same distinguished name and issuer, nothing needs to be done.</p>
<%part:form path="${place + '/certificates'}" name="certificate" files="${True}" then="${page.path}" done="The certificate is registered.">
${people.certificate_fields("certificate", require_issuer)}
<button class="primary">Add</button>
</%part:form>
</details>
% endif
</section>
</%def>
