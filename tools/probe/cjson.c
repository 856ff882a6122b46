#include <cjson/cJSON.h>

int main(void)
{
	cJSON *root = cJSON_CreateObject();
	cJSON_AddStringToObject(root, "schema", "probe");
	char *text = cJSON_Print(root);
	cJSON_free(text);
	cJSON_Delete(root);
	return 0;
}
