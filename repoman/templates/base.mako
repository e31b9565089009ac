<%! NAVIGATION = (("/images", "Images"), ("/upload", "Upload"), ("/groups", "Groups"), ("/users", "Users")) %>\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title><%block name="title"/> – Repoman</title>
<link rel="icon" type="image/svg+xml" href="${page.static("repoman.svg")}">
<link rel="stylesheet" href="${page.static("repoman.css")}">
<script type="module" src="${page.static("page.js")}"></script>
<%block name="scripts"/>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top">
<a class="brand" href="${page.at("/")}"><img src="${page.static("repoman.svg")}" alt="" width="24" height="24">Repoman</a>
% if page.caller:
<nav aria-label="Main">
<ul>
% for path, name in NAVIGATION:
<li><a href="${page.at(path)}"${' aria-current="page"' if page.is_in(path) else '' | n}>${name}</a></li>
% endfor
% if page.caller.is_admin:
<li><a href="${page.at("/storage")}"${' aria-current="page"' if page.is_in("/storage") else '' | n}>Storage</a></li>
% endif
<li class="me"><a href="${page.at("/me")}"${' aria-current="page"' if page.is_in("/me") else '' | n}>${page.caller.user_name}\
% if page.ending:
 <span class="badge soon">certificate ends ${page.formats.age(page.ending)}</span>\
% endif
</a></li>
</ul>
</nav>
% endif
</header>
<main id="main" tabindex="-1">
% if page.notice:
<p class="notice" role="status">${page.notice}</p>
% endif
${next.body()}
</main>
<footer class="bottom dim"><%block name="footer">Repoman ${page.version}</%block></footer>
</body>
</html>
