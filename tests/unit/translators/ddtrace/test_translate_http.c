/* HTTP spans: tags, and the attributes and name that they become. SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/ddtrace/translate_bed.h"

#define SERVER "'name':'web.request','type':'web','resource':'R'"
#define CLIENT "'name':'http.request','type':'http','resource':'R'"

static void server(void **state)
{
    static const struct bed_row rows[] = {
        {SERVER ",'meta':{'http.method':'get','http.route':'/users/:id','http.status_code':'200'}",
         "GET /users/:id | server | http.request.method='GET' http.response.status_code=200 "
         "http.route='/users/:id'"},
        {SERVER ",'meta':{'http.method':'GET'},'metrics':{'http.status_code':404}",
         "GET | server | http.request.method='GET' http.response.status_code=404"},
        {SERVER ",'meta':{'http.method':'PURGE','http.route':'/c'}",
         "HTTP /c | server | http.request.method='_OTHER' http.request.method_original='PURGE' "
         "http.route='/c'"},
        {SERVER ",'meta':{'http.method':'GET','http.status_code':'abc'}",
         "GET | server | http.request.method='GET' http.status_code='abc'"},
        {SERVER ",'meta':{'http.method':'POST','http.endpoint':'/v1/{param:int}'}",
         "POST /v1/{param:int} | server | http.endpoint='/v1/{param:int}' http.request.method='POST'"},
        {SERVER ",'meta':{'http.method':'GET','http.url':'https://shop.example:8443/cart?id=5'}",
         "GET | server | http.request.method='GET' server.address='shop.example' server.port=8443 "
         "url.path='/cart' url.query='id=5' "
         "url.scheme='https'"},
        {SERVER ",'meta':{'http.method':'GET','http.url':'http://h:80/?token=abc&x=1'}",
         "GET | server | http.request.method='GET' server.address='h' url.path='/' "
         "url.query='token=REDACTED&x=1' url.scheme='http'"},
        {SERVER ",'meta':{'http.method':'GET','http.url':'/only/path?a=b'}",
         "GET | server | http.request.method='GET' url.path='/only/path' url.query='a=b'"},
        {SERVER ",'meta':{'http.method':'GET','http.query.string':'a=b&password=x'}",
         "GET | server | http.request.method='GET' url.query='a=b&password=REDACTED'"},
        {SERVER
         ",'meta':{'http.useragent':'curl/8','http.client_ip':'10.0.0.1','network.client.ip':'10.0.0.2'}",
         "R | server | client.address='10.0.0.1' network.client.ip='10.0.0.2' user_agent.original='curl/8'"},
        {SERVER ",'meta':{'http.user_agent':'curl/8','network.client.ip':'10.0.0.2'}",
         "R | server | client.address='10.0.0.2' user_agent.original='curl/8'"},
        {SERVER ",'meta':{'http.host':'shop.example:8080'}",
         "R | server | server.address='shop.example' server.port=8080"},
        {SERVER ",'meta':{'http.hostname':'shop.example'}", "R | server | server.address='shop.example'"},
        {SERVER ",'meta':{'http.server_name':'shop.example'}", "R | server | server.address='shop.example'"},
        {SERVER ",'meta':{'http.version':'1.1'}",
         "R | server | network.protocol.name='http' network.protocol.version='1.1'"},
        {SERVER ",'meta':{'http.version':'HTTP/2'}",
         "R | server | network.protocol.name='http' network.protocol.version='2'"},
        {SERVER ",'meta':{'http.request.content_length':'12','http.response.content_length':'34'}",
         "R | server | http.request.body.size=12 http.response.body.size=34"},
        {SERVER ",'metrics':{'http.request.content_length':12,'http.response.content_length':34}",
         "R | server | http.request.body.size=12 http.response.body.size=34"},
        {SERVER
         ",'meta':{'http.request.headers.X-Tenant':'t','http.response.headers.content-type':'text/html'}",
         "R | server | http.request.header.x-tenant=['t'] http.response.header.content-type=['text/html']"},
        {SERVER ",'meta':{'http.referer':'https://a/'}",
         "R | server | http.request.header.referer=['https://a/']"},
        {SERVER ",'meta':{'http.path_group':'/a/?','servlet.path':'/s','django.view':'v'}",
         "R | server | django.view='v' http.path_group='/a/?' servlet.path='/s'"},
        {SERVER ",'meta':{'http.method':'GET','aspnet_core.route':'a/{b}'}",
         "GET a/{b} | server | aspnet_core.route='a/{b}' http.request.method='GET' http.route='a/{b}'"},
        {"'name':'flask.request','type':'http','resource':'R','meta':{'flask.endpoint':'hi','flask.url_rule':"
         "'/hi/"
         "<n>','http.method':'GET'}",
         "GET /hi/<n> | server | flask.endpoint='hi' flask.url_rule='/hi/<n>' http.request.method='GET' "
         "http.route='/hi/<n>'"},
        {SERVER ",'meta':{'out.host':'db','peer.hostname':'p','network.destination.ip':'10.1.1.1','peer.port'"
                ":'5123'}",
         "R | server | network.peer.address='10.1.1.1' network.peer.port=5123 out.host='db' "
         "peer.hostname='p'"},
        {SERVER ",'error':1,'meta':{'http.method':'GET','http.status_code':'503'}",
         "GET | server | error.type='503' http.request.method='GET' http.response.status_code=503 | error"},
        {SERVER ",'error':1,'meta':{'http.method':'GET','http.status_code':'404'}",
         "GET | server | http.request.method='GET' http.response.status_code=404 | error"},
        {SERVER ",'meta':{'http.method':'GET','http.status_code':'503'}",
         "GET | server | http.request.method='GET' http.response.status_code=503"},
        {SERVER ",'meta':{'http.url':'wss://chat.example/room'}",
         "HTTP | server | server.address='chat.example' url.path='/room' url.scheme='wss'"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

static void client(void **state)
{
    static const struct bed_row rows[] = {
        {CLIENT ",'meta':{'http.method':'POST','http.url':'https://user:pw@api.example:444/"
                "v1?sig=abc&q=2','http.status_code':'201'}",
         "POST | client | http.request.method='POST' http.response.status_code=201 "
         "server.address='api.example' server.port=444 "
         "url.full='https://REDACTED:REDACTED@api.example:444/v1?sig=REDACTED&q=2'"},
        {CLIENT ",'meta':{'http.method':'GET','http.url':'http://api.example/"
                "','out.host':'api.example'},'metrics':{'out.port':80}",
         "GET | client | http.request.method='GET' server.address='api.example' server.port=80 "
         "url.full='http://api.example/'"},
        {CLIENT ",'meta':{'http.method':'GET','http.route':'/users/:id'}",
         "GET /users/:id | client | http.request.method='GET' url.template='/users/:id'"},
        {CLIENT ",'meta':{'url.template':'/t/{x}','http.method':'GET'}",
         "GET /t/{x} | client | http.request.method='GET' url.template='/t/{x}'"},
        {CLIENT ",'meta':{'out.host':'[::1]'},'metrics':{'network.destination.port':8080}",
         "R | client | server.address='::1' server.port=8080"},
        {CLIENT ",'meta':{'peer.hostname':'p','net.peer.port':'81'}",
         "R | client | server.address='p' server.port=81"},
        {CLIENT ",'meta':{'net.peer.name':'p','peer.port':'82'}",
         "R | client | server.address='p' server.port=82"},
        {CLIENT ",'meta':{'network.destination.name':'p'}", "R | client | server.address='p'"},
        {CLIENT ",'meta':{'db.hostname':'p'}", "R | client | server.address='p'"},
        {CLIENT ",'meta':{'peer.ipv4':'10.0.0.1'}", "R | client | network.peer.address='10.0.0.1'"},
        {CLIENT ",'meta':{'net.peer.ip':'10.0.0.1'}", "R | client | network.peer.address='10.0.0.1'"},
        {CLIENT ",'meta':{'out.ip':'10.0.0.1'}", "R | client | network.peer.address='10.0.0.1'"},
        {CLIENT ",'meta':{'http.client_ip':'10.0.0.1','http.useragent':'x'}",
         "R | client | http.client_ip='10.0.0.1' user_agent.original='x'"},
        {CLIENT ",'error':1,'meta':{'http.method':'GET'},'metrics':{'http.status_code':404}",
         "GET | client | error.type='404' http.request.method='GET' http.response.status_code=404 | error"},
        {CLIENT ",'meta':{'http.url':'http://h:9/?q=1','url.full':'http://own/?api_key=1'}",
         "R | client | http.url='http://h:9/?q=1' server.address='h' server.port=9 "
         "url.full='http://own/?api_key=REDACTED'"},
        {CLIENT ",'meta':{'http.method':'GET','http.url':'ws://h/x'}",
         "GET | client | http.request.method='GET' server.address='h' server.port=80 url.full='ws://h/x'"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

/* a tag under the attribute's own name, then numbers, then renamed text. */
static void precedence(void **state)
{
    static const struct bed_row rows[] = {
        {SERVER ",'meta':{'http.response.status_code':'201','http.status_code':'200'}",
         "R | server | http.response.status_code=201 http.status_code='200'"},
        {SERVER ",'meta':{'http.status_code':'200'},'metrics':{'http.status_code':404}",
         "R | server | http.response.status_code=404"},
        {SERVER ",'meta':{'http.request.method':'GET','http.method':'GET'}",
         "GET | server | http.request.method='GET'"},
        {SERVER ",'meta':{'http.useragent':'a','http.user_agent':'b'}",
         "R | server | http.user_agent='b' user_agent.original='a'"},
        {SERVER ",'meta':{'http.request.headers.X-A':'1','http.request.headers.x-a':'2'}",
         "R | server | http.request.header.x-a=['1'] http.request.headers.x-a='2'"},
        {SERVER ",'meta':{'http.request.headers.X-A':'1'},'metrics':{'http.request.header.x-a':2}",
         "R | server | http.request.header.x-a=2 http.request.headers.X-A='1'"},
        {SERVER ",'meta':{'http.request.headers.X-A':'1','http.request.headers.X-A':'2'}",
         "R | server | http.request.header.x-a=['2']"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {BED_TEST(server), BED_TEST(client), BED_TEST(precedence)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
