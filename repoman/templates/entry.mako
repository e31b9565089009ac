## What those are told who are not let in, by the error that says why.

<%def name="way_in(error)">
% if error.code == "certificate-unknown":
<h2>Your certificate is not registered here yet</h2>
<p>Send these lines to an administrator of this server${":" if page.contact else "."}\
% if page.contact:
 ${page.contact}\
% endif
</p>
<h3>Your distinguished name</h3>
<code class="copy" tabindex="0">${error.extra["client_dn"]}</code>
% if error.extra.get("issuer_dn"):
<h3>Its issuer</h3>
<code class="copy" tabindex="0">${error.extra["issuer_dn"]}</code>
% endif
% elif error.code == "certificate-required":
<h2>How to show a certificate with a browser</h2>
<ol>
<li>Your certificate and its key must be in one file that ends in .p12 or .pfx. From PEM files:
<code class="copy" tabindex="0">openssl pkcs12 -export -in me.pem -inkey me.key -out me.p12</code></li>
<li>Firefox: Settings, Privacy &amp; Security, View Certificates, Your Certificates, Import.<br>
Chromium and Chrome: Settings, Privacy and security, Security, Manage certificates, Import.</li>
<li>Close the browser, open it again, come back to this page, and choose the certificate.</li>
</ol>
<p>Who has no certificate gets one from the certificate authority of their institution.\
% if page.contact:
 Questions go to: ${page.contact}\
% endif
</p>
% else:
<h2>${error.title}</h2>
<p>${error.detail}</p>
% if page.contact:
<p>Questions go to: ${page.contact}</p>
% endif
% endif
</%def>
