"""Paths of real shapes, as tables: what must stay, what must go."""

from urllib.parse import quote

UUID = "550e8400-e29b-41d4-a716-446655440000"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2huIn0.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk"
TOKEN = "V1StGXR8_Z5jdHi6B-myT"  # noqa: S105 - a shape, not a password

# Paths of real shapes that say what a page is about, and nothing about who reads it.
_STAYS = """
/
/about
/about/
/index.html
/index.php
/pricing
/blog
/blog/
/en
/en-US/docs
/de/impressum
/docs/getting-started
/docs/v2/api/reference
/docs/3.11/library/re.html
/docs/1.2.3/changelog
/blog/2026-11-24-the-quick-brown-fox
/blog/2026/11/24/the-quick-brown-fox
/2026/11/24/
/2026-11-24
/24-11-2026-wochenmarkt
/2026-11-24_2026-11-30
/events/2026-11-24-2026-11-30
/season-2024-2025
/years/2024-2025-2026
/archive/2026-11
/the-quick-brown-fox-jumps-over-the-lazy-dog-again
/10-things-i-hate-about-you
/top-100-songs-of-2026
/how-to-fix-error-404-and-500
/article-12345
/article-12345.html
/news/12345
/p/99999
/page/2
/page-2/
/products/blue-suede-shoes
/products/blue-suede-shoes-size-42
/products/iphone-15-pro-max-256gb
/products/iPhone-15-Pro_256GB
/products/rtx-4090-vs-rx-7900xtx
/products/sony-wh-1000xm5
/products/canon-eos-r5-mark-ii
/products/usb-c-3-2-gen-2x2
/products/4x4-m8-bolts
/category/shoes/men/size-42
/category/c++/templates
/tags/node.js
/tags/c%23
/lang/C%23
/tags/.net
/rock&roll
/q&a
/wiki/Albert_Einstein
/wiki/World_War_II
/wiki/What%3F
/wiki/Who%27s_Afraid_of_Virginia_Woolf%3F
/wiki/AC/DC
/wiki/HTTP_404
/wiki/ISO_8601
/wiki/RFC_2616
/wiki/S%C3%A3o_Paulo
/wiki/Category:Physics
/wiki/Talk:Main_Page
/wiki/Special:Recent
/wiki/Donaudampfschifffahrtsgesellschaft
/Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft
/rechtsschutzversicherungsgesellschaften
/kraftfahrzeughaftpflichtversicherung
/Rindfleischetikettierungsueberwachungsaufgabenuebertragungsgesetz
/Stra%C3%9Fenverkehrszulassungsordnung
/Fu%C3%9Fg%C3%A4nger%C3%BCberf%C3%BChrungsbeleuchtung
/betaeubungsmittelverschreibungsverordnung
/befehlszeilenwerkzeug
/lentokonesuihkuturbiinimoottoriapumekaanikkoaliupseerioppilas
/megszentsegtelenithetetlensegeskedeseitekert
/speciallaegepraksisplanlaegningsstabiliseringsperiode
/supercalifragilisticexpialidocious
/antidisestablishmentarianism
/pneumonoultramicroscopicsilicovolcanoconiosis
/cekoslovakyalilastiramadiklarimizdanmisiniz
/najneobhospodarovatelnejsimi
/konstantynopolitanczykowianeczka
/electroencefalografistas-en-hospitales
/anticonstitutionnellement
/precipitevolissimevolmente
/HowToCreateAnAwesomeWebsiteInTenMinutes
/getting-started-with-JavaScript-and-TypeScript
/ReactNativeNavigationContainer
/SomeVeryLongCamelCasePageNameOfAWiki
/XMLHttpRequest
/com.example.project.internal.service
/some_very_long_snake_case_page_name_of_a_wiki
/a-b-c-d-e-f-g
/faq/why-do-we-use-https-and-not-http
/gdpr-and-eprivacy-explained
/%E4%BD%A0%E5%A5%BD
/%E4%BD%A0%E5%A5%BD/%E4%B8%96%E7%95%8C
/%E4%B8%AD%E5%8D%8E%E4%BA%BA%E6%B0%91%E5%85%B1%E5%92%8C%E5%9B%BD%E5%8E%86%E5%8F%B2
/2026%E5%B9%B411%E6%9C%8824%E6%97%A5
/%E7%AC%AC12%E7%AB%A0
/%E3%81%93%E3%82%93%E3%81%AB%E3%81%A1%E3%81%AF
/%E3%82%B9%E3%83%9E%E3%83%BC%E3%83%88%E3%83%95%E3%82%A9%E3%83%B3
/%ED%95%9C%EA%B5%AD%EC%96%B4-%EB%89%B4%EC%8A%A4
/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82-%D0%BC%D0%B8%D1%80
/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8/2026/11
/%D0%9A%D0%B8%D1%97%D0%B2
/%D0%A1%D0%BE%D1%84%D0%B8%D1%8F-%D0%B4%D0%BD%D0%B5%D1%81
/%CE%95%CE%BB%CE%BB%CE%AC%CE%B4%CE%B1
/%D9%85%D8%B1%D8%AD%D8%A8%D8%A7-%D8%A8%D8%A7%D9%84%D8%B9%D8%A7%D9%84%D9%85
/%D8%A3%D8%AE%D8%A8%D8%A7%D8%B1/%D9%A2%D9%A0%D9%A2%D9%A6
/%D9%85%DB%8C%E2%80%8C%D8%AE%D9%88%D8%A7%D9%87%D9%85
/%D7%A9%D7%9C%D7%95%D7%9D-%D7%A2%D7%95%D7%9C%D7%9D
/%E0%A4%A8%E0%A4%AE%E0%A4%B8%E0%A5%8D%E0%A4%A4%E0%A5%87
/%E0%B8%AA%E0%B8%A7%E0%B8%B1%E0%B8%AA%E0%B8%94%E0%B8%B5
/%E1%83%92%E1%83%90%E1%83%9B%E1%83%90%E1%83%A0%E1%83%AF%E1%83%9D%E1%83%91%E1%83%90
/Nguy%E1%BB%85n-Hu%E1%BB%87
/tin-t%E1%BB%A9c/th%E1%BB%9Di-s%E1%BB%B1
/t%C3%BCrkiye-haberleri
/%C5%81%C3%B3d%C5%BA
/caf%C3%A9/men%C3%BC
/no%C3%ABl-%C3%A0-l%27%C3%AEle
/%F0%9F%8D%95/pizza
/%F0%9F%91%A9%E2%80%8D%F0%9F%92%BB
/user/settings
/user/12345
/@alice
/@alice/posts
/@alice_in-wonderland
/~alice/
/u/alice
/r/python/comments
/cart
/checkout/step-2
/search
/search/red%20shoes
/search/red+shoes
/100%25-organic
/50%25-off
/a%20page%20with%20spaces
/files/annual-report.pdf
/files/Annual_Report_2026.pdf
/img/logo.svg
/watch/dQw4w9WgXcQ
/s/k8s-and-i18n
/b2b/e2e-testing
/covid19-vaccine
/web3-and-ipv6
/windows11-vs-macos15
/v1.2/docs
/v10
/time/10:30
/time/10:30:15
/bible/john/3:16
/std::vec/String
/1,000-euros
/price/100-000
/room-101/seat-12a
/(draft)/page
/docs/3.1%20(draft)
/a;b;c
/a,b,c
/hello!
/$100
/map/berlin
/us/ca/90210
/plz/10115
/ISBN
/42
/0
"""

# What names somebody, and what becomes of it.
_GOES = f"""
/john@example.com /:id
/user/john@example.com/edit /user/:id/edit
/user/john.doe+tag@mail.example.co.uk /user/:id
/user/john%40example.com /user/:id
/user/john%2540example.com /user/:id
/user/john%252540example.com /user/:id
/user/john%25252540example.com /user/:id
/user/john%2525252540example.com /user/:id
/user/%6a%6f%68%6e%40%65%78%61%6d%70%6c%65%2e%63%6f%6d /user/:id
/user/%256a%256f%2568%256e%2540%2565.com /user/:id
/user/john%u0040example.com /user/:id
/user/john%%340example.com /user/:id
/user/john%EF%BC%A0example.com /user/:id
/user/john%EF%B9%ABexample.com /user/:id
/user/john%C1%80example.com /user/:id
/user/john%00@example.com /user/:id
/user/john%E2%80%8B@example.com /user/:id
/user/john&%2364;example.com /user/:id
/user/john&%23x40;example.com /user/:id
/user/john&commat;example.com /user/:id
/user/john(at)example.com /user/:id
/user/john%5Bat%5Dexample.com /user/:id
/user/john@localhost /user/:id
/user/john@%5B192.0.2.1%5D /user/:id
/user/%22john%20doe%22@example.com /user/:id
/user/john%20@%20example.com /user/:id
/user/j%C3%B6hn@ex%C3%A4mple.com /user/:id
/user/%D0%B8%D0%B2%D0%B0%D0%BD@example.com /user/:id
/user/me@163.com /user/:id
/user/a@b /user/:id
/user/john@ /user/:id
/@alice@mastodon.example /:id
/contact;mail=john@example.com /contact
/contact,john@example.com,x /:id
/mailto:john@example.com /:id
/(john@example.com) /:id
/a=john@example.com&b=c /:id
/%ED%A0%80 /:id
/x%FFy /:id
/caf%E9 /:id
/%25252541 /:id
/{UUID} /:id
/{UUID.upper()} /:id
/order/{UUID}/pay /order/:id/pay
/order-{UUID} /order-:id
/order-{UUID}.pdf /order-:id.pdf
/order{UUID}x /:id
/%7B{UUID}%7D /%7B:id%7D
/{UUID.replace("-", "")} /:id
/{UUID.replace("-", "_")} /:id
/{UUID.replace("-", "%2D")} /:id
/{UUID.replace("-", "%252d")} /:id
/{quote(UUID.replace("-", " "))} /:id
/{UUID.replace("-", ".")} /:id
/urn:uuid:{UUID} /urn:uuid::id
/%C3%BC{UUID} /%C3%BC:id
/abcdefab-cdef-4123-abcd-efabcdefabcd /:id
/{JWT} /:id
/login/{JWT}/ok /login/:id/ok
/login/{JWT.replace(".", "%2E")} /login/:id
/x.{JWT} /x.:id
/state/eyJ1c2VyIjoiam9obiJ9 /state/:id
/deadbeefdeadbeef /:id
/DEADBEEF00112233 /:id
/0xdeadbeefdeadbeef /:id
/commit/da39a3ee5e6b4b0d3255bfef95601890afd80709 /commit/:id
/blob-da39a3ee5e6b4b0d3255bfef95601890afd80709.js /blob-:id.js
/507f1f77bcf86cd799439011 /:id
/00:1b:44:11:3a:b7 /:id
/00-1b-44-11-3a-b7 /:id
/ab-cd-12-ab-cd-ef /:id
/123456 /:id
/1234567890 /:id
/user/123456/edit /user/:id/edit
/article-1234567 /article-:id
/article-1234567.html /article-:id.html
/article1234567 /:id
/a-1234567-b /a-:id-b
/1234567-7654321 /:id
/20261124 /:id
/IMG_20261124_101530.jpg /IMG_:id.jpg
/news/some-title-65432109 /news/some-title-:id
/news/Some-Title-65432109 /news/Some-Title-:id
/AB123456C /:id
/%31%32%33%34%35%36 /:id
/%2531%2532%2533%2534%2535%2536 /:id
/%25252531%25252532 /:id
/%D9%A1%D9%A2%D9%A3%D9%A4%D9%A5%D9%A6 /:id
/%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96 /:id
/%E2%91%A0%E2%91%A1%E2%91%A2%E2%91%A3%E2%91%A4%E2%91%A5 /:id
/%F0%9D%9F%8F%F0%9D%9F%90%F0%9D%9F%91%F0%9D%9F%92%F0%9D%9F%93%F0%9D%9F%94 /:id
/1%E2%80%8D2%E2%80%8D3%E2%80%8D4%E2%80%8D5%E2%80%8D6 /:id
/1%E2%80%8B2%E2%80%8B3%E2%80%8B4%E2%80%8B5%E2%80%8B6 /:id
/123%00456 /:id
/123%0A456 /:id
/%E7%AC%AC123456%E7%AB%A0 /%E7%AC%AC:id%E7%AB%A0
/&%2349;&%2350;&%2351;&%2352;&%2353;&%2354; /:id
/x;123456 /x;:id
/x,123456,y /x,:id,y
/x=123456 /x=:id
/x!123456! /x!:id!
/x(123456) /x(:id)
/123456&654321 /:id&:id
/call/+49-170-5550199 /call/+:id
/call/555-123-4567 /call/:id
/call/(555)%20123-4567 /call/(:id
/call/06-12-34-56-78 /call/:id
/card/4111-1111-1111-1111 /card/:id
/card/4111%201111%201111%201111 /card/:id
/iban/DE89%203704%200044%200532%200130%2000 /iban/:id
/ssn/123-45-6789 /ssn/:id
/map/@52.5170365,13.3888599 /map/@:id
/map/52.5170,13.3888 /map/:id
/ip/192.0.2.17 /ip/:id
/ip/192.0.2.17:8080 /ip/:id:8080
/ip/192%2E0%2E2%2E17 /ip/:id
/ip/2001:db8::17 /ip/:id
/ip/2001%3Adb8%3A%3A17 /ip/:id
/ip/2001:db8:0:1:2:3:4:5 /ip/:id
/ip/%5B2001:db8::17%5D /ip/%5B:id%5D
/ip/::ffff:192.0.2.17 /ip/:id
/ip/x2001:db8::17z /ip/:id
/ip/2001:db8:123456 /ip/:id
/{TOKEN} /:id
/reset/{TOKEN}/ok /reset/:id/ok
/the-title-of-the-post-{TOKEN} /the-title-of-the-post-:id
/s_{TOKEN}.html /:id
/n0tAw0rdBut20Chars4x /:id
/kJ8xPq2LmZ7Wb1nVtYc0 /:id
/kj8xpq2lmz7wb1nvtyc0 /:id
/KJ8XPQ2LMZ7WB1NVTYC0 /:id
/kJxPqLmZWbnVtYcRaQsD /:id
/qwxkzjvbpmtghrwqzxkv /:id
/01ARZ3NDEKTSV4RRFFQ69G5FAV /:id
/mfrggzdfmztwq2lknnwg23tp /:id
/AKIAQ7ZLJ4WXBN2TKV5H /:id
/sk_live_51H8xYzKq2LmZ7Wb1nVtYc0 /sk_live_:id
/ghp_16C7e42F292c6912E7710c838347Ae178B4a /ghp_:id
/VK7JG-NPHTM-C97JM-9MPGT-3V66T /:id
/am9obkBleGFtcGxlLmNvbQ /:id
/am9obkBleGFtcGxlLmNvbQ%3D%3D /:id
/confirm/kJ8xPq2LmZ7W%2Fb1nVtYc0RaQ%3D%3D /confirm/:id
/confirm/kJ8xPq2LmZ7W/b1nVtYc0RaQ== /confirm/:id
/confirm/kJ8x+Pq2LmZ7W+b1nVtYc0RaQ /confirm/:id
/share/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms /share/:id
/bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi /:id
/{"a1B2c3D4e5F6g7H8i9J0" * 20} /:id
/{"long-" * 60} /:id
/page%3Femail=john /page
/page%3Femail%3Djohn%26x%3Dy/more /page
/page%253Femail%253Djohn /page
/page%25253Fname%25253Djohn /page
/page%2525253Fname%2525253Djohn /:id
/page;jsessionid=ab12/next /page/next
/page&name=john /page
/page%23access_token=abc /page
/agent/Mozilla%2F5.0%20(X11;%20Linux%20x86_64) /agent/:id
/agent/Mozilla/5.0%20(X11)/Gecko /agent/:id
"""
STAYING = _STAYS.split()
GOING = [tuple(line.split()) for line in _GOES.strip().splitlines()]
