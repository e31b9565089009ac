<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${error.title} – Repoman</title>
<style>${style | n}</style>
</head>
<body>
<main>
<p class="dim">Repoman</p>
<h1>${error.title}</h1>
<p>${error.detail}</p>
% if error.code == "certificate-unknown":
<h2>Your distinguished name, for an administrator to register</h2>
<code class="copy">${error.extra["client_dn"]}</code>
% if error.extra.get("issuer_dn"):
<h2>Its issuer</h2>
<code class="copy">${error.extra["issuer_dn"]}</code>
% endif
% elif error.code == "certificate-required":
<h2>How to show a certificate with a browser</h2>
<ol>
<li>Your certificate and its key must be in one file that ends in .p12 or .pfx. From PEM files:
<code class="copy">openssl pkcs12 -export -in me.pem -inkey me.key -out me.p12</code></li>
<li>Firefox: Settings, Privacy &amp; Security, View Certificates, Your Certificates, Import.<br>
Chromium and Chrome: Settings, Privacy and security, Security, Manage certificates, Import.</li>
<li>Close the browser, open it again, come back to this page, and choose the certificate.</li>
</ol>
<p>Who has no certificate gets one from the certificate authority of their institution.</p>
% endif
<footer class="dim">
Status ${error.status}, code <code>${error.code}</code>, request <code>${request_id}</code>
</footer>
</main>
</body>
</html>
